// What stands where there is nothing to show (yet), and why.
import type { ComponentChildren } from "preact";

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <svg aria-hidden="true" class="glyph" fill="none" height="36" viewBox="0 0 56 36" width="56">
        <path d="M4 32h48" stroke="currentColor" stroke-linecap="round" stroke-opacity="0.5" stroke-width="2" />
        <path
          d="M6 26c8 0 8-16 16-16s8 10 14 10 6-14 14-14"
          stroke="currentColor"
          stroke-dasharray="1 5"
          stroke-linecap="round"
          stroke-width="2.4"
        />
      </svg>
      <h3>{title}</h3>
      {children && <p>{children}</p>}
    </div>
  );
}
