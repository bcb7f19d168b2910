// How figures are written, everywhere. Groups of thousands are separated by a narrow space, which no language mistakes for
// a decimal point.

const NARROW = "\u202f";
export const NONE = "–";

type Maybe = number | null | undefined;

function usable(value: Maybe): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function grouped(text: string): string {
  const [whole = "", rest] = text.split(".");
  const sign = whole.startsWith("-") ? "−" : "";
  const digits = whole.replace("-", "").replace(/\B(?=(\d{3})+$)/g, NARROW);
  return sign + digits + (rest ? `.${rest}` : "");
}

/** A count: 1 234 567. */
export function count(value: Maybe): string {
  return usable(value) ? grouped(Math.round(value).toString()) : NONE;
}

/** A count where room is short: 1.2 k, 34 k, 5.6 M. */
export function shortCount(value: Maybe): string {
  if (!usable(value)) return NONE;
  const size = Math.abs(value);
  for (const [limit, unit] of [
    [999_500_000, "G"],
    [999_500, "M"],
    [9_999.5, "k"],
  ] as const) {
    if (size >= limit) {
      const scaled = value / { G: 1e9, M: 1e6, k: 1e3 }[unit];
      return `${grouped(scaled.toFixed(Math.abs(scaled) < 9.95 ? 1 : 0))}${NARROW}${unit}`;
    }
  }
  return grouped(size >= 100 || Number.isInteger(value) ? Math.round(value).toString() : value.toFixed(1));
}

/** A rate per second: 0.04, 3.2, 148, 12 345. */
export function rate(value: Maybe): string {
  if (!usable(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.995) return grouped(value.toFixed(2));
  if (size < 99.95) return grouped(value.toFixed(1));
  return grouped(Math.round(value).toString());
}

/** Three significant digits of a time in milliseconds, without its unit: 0.834, 12.3, 148, 2 150. */
export function millis(value: Maybe): string {
  if (!usable(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.9995) return value.toFixed(3);
  if (size < 9.995) return value.toFixed(2);
  if (size < 99.95) return value.toFixed(1);
  return grouped(Math.round(value).toString());
}

/** A time in milliseconds with the unit that reads best: 834 µs, 12.3 ms, 2.15 s, 3 min 20 s. */
export function time(value: Maybe): string {
  if (!usable(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0) return `0${NARROW}ms`;
  if (size < 0.9995) return `${Math.round(value * 1000)}${NARROW}µs`;
  if (size < 999.5) return `${millis(value)}${NARROW}ms`;
  if (size < 9_995) return `${(value / 1000).toFixed(2)}${NARROW}s`;
  if (size < 59_950) return `${(value / 1000).toFixed(1)}${NARROW}s`;
  return span(value / 1000);
}

/** A share from 0 to 1 as percent: 0 %, 0.02 %, 3.4 %, 100 %. Never 0 when there was one, never 100 when one is missing. */
export function percent(value: Maybe): string {
  if (!usable(value)) return NONE;
  const size = value * 100;
  if (size === 0 || size === 100) return `${size}${NARROW}%`;
  if (Math.abs(size) < 0.01) return `<${NARROW}0.01${NARROW}%`;
  if (Math.abs(size) < 0.995) return `${size.toFixed(2)}${NARROW}%`;
  const text = size.toFixed(1);
  return `${text === "100.0" ? ">\u202f99.9" : text}${NARROW}%`;
}

/** Bytes in powers of 1024: 0 B, 512 B, 1.4 KiB, 23 MiB. */
export function bytes(value: Maybe): string {
  if (!usable(value)) return NONE;
  let size = value;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (Math.abs(size) < 1023.5) {
      return `${grouped(unit === "B" || Math.abs(size) >= 9.95 ? Math.round(size).toString() : size.toFixed(1))}${NARROW}${unit}`;
    }
    size /= 1024;
  }
  return `${grouped(size.toFixed(1))}${NARROW}TiB`;
}

/** A length of time in seconds, in two units at most: 0 s, 42 s, 3 min 20 s, 5 min, 2 h 05 min, 1 d 3 h. */
export function span(seconds: Maybe): string {
  if (!usable(seconds)) return NONE;
  const whole = Math.max(0, Math.round(seconds));
  const pair = (many: number, unit: string, rest: number, small: string, width = 2) =>
    `${many}${NARROW}${unit}${rest > 0 ? ` ${rest.toString().padStart(width, "0")}${NARROW}${small}` : ""}`;
  if (whole < 60) return `${whole}${NARROW}s`;
  if (whole < 3600) return pair(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(whole / 3600);
  return pair(Math.floor(hours / 24), "d", hours % 24, "h", 1);
}

/** A running clock: 0:07, 12:34, 3:05:09. */
export function clock(seconds: Maybe): string {
  if (!usable(seconds)) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => n.toString().padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${hours ? two(Math.floor(whole / 60) % 60) : Math.floor(whole / 60)}:${two(whole % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

/** The local time of day of a moment in seconds since the epoch: 14:03:59. */
export function timeOfDay(at: Maybe): string {
  if (!usable(at)) return NONE;
  const when = new Date(at * 1000);
  const two = (n: number) => n.toString().padStart(2, "0");
  return `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`;
}

/** The local date and time of a moment in seconds since the epoch: 2026-05-04 14:03:59. */
export function moment(at: Maybe): string {
  if (!usable(at)) return NONE;
  const when = new Date(at * 1000);
  const two = (n: number) => n.toString().padStart(2, "0");
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())} ${timeOfDay(at)}`;
}

/** The name of a percentile: 0.5 → "p50", 0.999 → "p99.9", 1 → "max". */
export function percentileName(share: number): string {
  return share === 1 ? "max" : `p${Number((share * 100).toFixed(4))}`;
}

/** "1 user", "2 users". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
