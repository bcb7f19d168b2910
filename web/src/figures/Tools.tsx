// What stands above tables and charts: search, choosers, switches.
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function Search({ value, label, found }: { value: Signal<string>; label: string; found?: string }) {
  return (
    <span class="fg-search">
      <input
        class="input small"
        type="search"
        value={value.value}
        placeholder={label}
        aria-label={label}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
      <span class="muted small" role="status">
        {value.value.trim() ? found : ""}
      </span>
    </span>
  );
}

export function Switch(props: { on: boolean; onChange: (on: boolean) => void; children: ComponentChildren }) {
  return (
    <label class="fg-switch">
      <input
        type="checkbox"
        checked={props.on}
        onChange={(event) => {
          props.onChange(event.currentTarget.checked);
        }}
      />
      {props.children}
    </label>
  );
}

export interface Choice {
  value: string;
  label: string;
}

/** One of a few, all in sight. */
export function Choices(props: {
  label: string;
  choices: readonly Choice[];
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <fieldset class="segmented">
      <legend class="unseen">{props.label}</legend>
      {props.choices.map(({ value, label }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === props.value}
          onClick={() => {
            props.onChange(value);
          }}
        >
          {label}
        </button>
      ))}
    </fieldset>
  );
}

/** One of many. */
export function Select(props: {
  label: string;
  choices: readonly Choice[];
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <label class="fg-select">
      <span>{props.label}</span>
      <select
        class="input small"
        value={props.value}
        onChange={(event) => {
          props.onChange(event.currentTarget.value);
        }}
      >
        {props.choices.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A menu that opens below its button; Escape and a click elsewhere close it. */
export function Menu({ label, children }: { label: string; children: ComponentChildren }) {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const element = menu.current;
      if (!element?.open) return;
      if (event instanceof KeyboardEvent) {
        if (event.key !== "Escape") return;
        element.querySelector("summary")?.focus();
      } else if (element.contains(event.target as Node)) return;
      element.open = false;
    };
    document.addEventListener("click", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("click", close);
      document.removeEventListener("keydown", close);
    };
  }, []);
  return (
    <details class="fg-menu" ref={menu}>
      <summary class="button small">{label}</summary>
      <div class="fg-sheet">{children}</div>
    </details>
  );
}
