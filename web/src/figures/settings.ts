// What a reader chose, kept in this browser.
import { type Signal, signal } from "@preact/signals";

const PREFIX = "swarmer.figures.";
const known = new Map<string, Signal<unknown>>();

/**
 * A signal whose value survives a reload. Where storage is refused (private windows, files) or holds something else than
 * `sane` accepts, the value lives as long as the page.
 */
export function kept<T>(name: string, start: T, sane: (value: unknown) => value is T): Signal<T> {
  const present = known.get(name);
  if (present) return present as Signal<T>;
  const state = signal<T>(read(name, sane) ?? start);
  let last = state.peek();
  state.subscribe((value) => {
    if (value === last) return;
    last = value;
    write(name, value);
  });
  known.set(name, state as Signal<unknown>);
  return state;
}

/** Forgets what this page has read, so that tests begin anew. */
export function forgetKept(): void {
  known.clear();
}

function read<T>(name: string, sane: (value: unknown) => value is T): T | null {
  try {
    const text = localStorage.getItem(PREFIX + name);
    const value: unknown = text === null ? null : JSON.parse(text);
    return sane(value) ? value : null;
  } catch {
    return null;
  }
}

function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // The choice holds for this page only.
  }
}

export const isText = (value: unknown): value is string => typeof value === "string";
export const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
export const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
