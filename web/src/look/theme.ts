// Which theme holds, and the colours of tokens.css as values for canvases.
import { computed, effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const KEY = "swarmer.theme";
const system = typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : null;
const systemDark = signal(system?.matches ?? false);
system?.addEventListener?.("change", (event) => {
  systemDark.value = event.matches;
});

function remembered(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    if (value === "light" || value === "dark") return value;
  } catch {
    // No storage (a report opened from disk, a strict browser): the system's choice.
  }
  return "auto";
}

/** What the person chose. A report asked for with `?theme=` sets it from outside. */
export const theme = signal<Theme>(remembered());

/** What is seen. Charts depend on it to draw themselves anew. */
export const dark = computed(() => theme.value === "dark" || (theme.value === "auto" && systemDark.value));

/** Sets and remembers the theme. */
export function chooseTheme(next: Theme): void {
  theme.value = next;
  try {
    if (next === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // It holds until the page is closed.
  }
}

if (typeof document !== "undefined") {
  effect(() => {
    const root = document.documentElement;
    if (theme.value === "auto") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme.value);
  });
}

let probe: HTMLElement | null = null;

/**
 * The present value of a colour token, such as `colour("--c-p95")`, as `rgb(…)`: canvases do not know custom properties.
 * Read `dark.value` in the same effect, so that it runs again when the theme changes.
 */
export function colour(token: string): string {
  if (!probe) {
    probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${token})`;
  return getComputedStyle(probe).color;
}
