import type { ComponentChildren } from "preact";

/** A figure that is marked where too few requests stand behind it; `why` says how few. */
export function Few({ why, children }: { why: string | undefined; children: ComponentChildren }) {
  if (why === undefined) return <>{children}</>;
  return (
    <span class="fg-few" title={why}>
      {children}
      <span class="unseen"> ({why})</span>
    </span>
  );
}

/** What the mark means, for those who cannot point at it. */
export function FewNote() {
  return (
    <p class="fg-few-note muted small">
      <span class="fg-few">Dotted</span>: too few requests to know this percentile; the true one may be far higher (no
      upper bound with 95 % confidence).
    </p>
  );
}
