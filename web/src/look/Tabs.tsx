// A tab list after the ARIA pattern: one stop for the Tab key, arrows, Home and End move within.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

export interface Tab<Id extends string> {
  id: Id;
  label: string;
  /** A number or sign after the label; `says` is what a screen reader hears in its place. */
  badge?: { text: string; says: string; kind?: "bad" | "warn" };
}

interface Props<Id extends string> {
  label: string;
  tabs: Tab<Id>[];
  selected: Id;
  onSelect: (id: Id) => void;
  /** Prefix of ids, so that `TabPanel` finds its tab. */
  name: string;
}

export function Tabs<Id extends string>({ label, tabs, selected, onSelect, name }: Props<Id>) {
  const list = useRef<HTMLDivElement>(null);

  // On a narrow screen the chosen tab may be outside of the visible part of the list.
  useEffect(() => {
    const tab = list.current?.querySelector<HTMLElement>('[aria-selected="true"]');
    if (!tab || !list.current) return;
    const { offsetLeft: left, offsetWidth: width } = tab;
    const { scrollLeft, clientWidth } = list.current;
    if (left < scrollLeft || left + width > scrollLeft + clientWidth) list.current.scrollLeft = left - 24;
  }, [selected]);

  const move = (event: KeyboardEvent) => {
    const at = tabs.findIndex((tab) => tab.id === selected);
    const to = {
      ArrowRight: (at + 1) % tabs.length,
      ArrowLeft: (at - 1 + tabs.length) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
    }[event.key];
    const next = to === undefined ? undefined : tabs[to];
    if (!next) return;
    event.preventDefault();
    onSelect(next.id);
    list.current?.querySelector<HTMLElement>(`#${name}-tab-${next.id}`)?.focus();
  };

  return (
    <div aria-label={label} class="tabs" onKeyDown={move} ref={list} role="tablist">
      {tabs.map((tab) => (
        <button
          aria-controls={`${name}-panel-${tab.id}`}
          aria-selected={tab.id === selected}
          id={`${name}-tab-${tab.id}`}
          key={tab.id}
          onClick={() => onSelect(tab.id)}
          role="tab"
          tabIndex={tab.id === selected ? 0 : -1}
          type="button"
        >
          {tab.label}
          {tab.badge && (
            <span class={`chip ${tab.badge.kind ?? ""}`}>
              <span aria-hidden="true">{tab.badge.text}</span>
              <span class="unseen">{tab.badge.says}</span>
            </span>
          )}
        </button>
      ))}
    </div>
  );
}

export function TabPanel({ id, name, children }: { id: string; name: string; children: ComponentChildren }) {
  return (
    <section aria-labelledby={`${name}-tab-${id}`} id={`${name}-panel-${id}`} role="tabpanel">
      {children}
    </section>
  );
}
