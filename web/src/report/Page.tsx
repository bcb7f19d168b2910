// The frame of a report: head, sections, theme.
import type { ComponentChildren } from "preact";
import { chooseTheme, dark, Icon } from "../look";
import { templateArgs } from "./data";

export function Page({ kind, children }: { kind: string; children: ComponentChildren }) {
  return (
    <div class="rp-page">
      <header class="rp-head">
        <span class="rp-brand">
          swarmer <span class="muted">{kind}</span>
        </span>
        <span class="spread row rp-actions">
          {templateArgs().show_download_link && (
            <a class="button small" href={`?download=1&theme=${dark.value ? "dark" : "light"}`}>
              <Icon name="download" /> Download
            </a>
          )}
          <button type="button" class="button quiet small" onClick={() => window.print()}>
            Print
          </button>
          <button
            type="button"
            class="button quiet icon small"
            aria-label={dark.value ? "Light theme" : "Dark theme"}
            onClick={() => chooseTheme(dark.value ? "light" : "dark")}
          >
            <Icon name={dark.value ? "sun" : "moon"} />
          </button>
        </span>
      </header>
      {children}
    </div>
  );
}

export function Section({ id, title, children }: { id: string; title: string; children: ComponentChildren }) {
  return (
    <section class="rp-section" id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}

/** Names and values in two columns. */
export function Pairs({ pairs }: { pairs: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="rp-pairs">
      {pairs.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
