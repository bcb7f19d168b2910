// Figures as people read them: what the look has, and what only tables and charts need.
import { moment, NONE, time, timeOfDay } from "../look/format";

export {
  bytes,
  count,
  millis,
  moment,
  NONE,
  percent,
  percentileName,
  plural,
  rate,
  shortCount,
  span,
  time,
  timeOfDay,
} from "../look/format";

export type Maybe = number | null | undefined;

/** A difference with its sign: `+12.5`, `−3`, `±0`. */
export function signed(value: Maybe, format: (value: Maybe) => string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const text = format(Math.abs(value));
  if (value === 0 || text === "0") return "±0";
  if (text.startsWith("<")) return "≈0";
  return (value > 0 ? "+" : "−") + text;
}

/** A time on an axis, where digits that are all zero would only be noise: `10 ms`, `1.5 s`. */
export function axisTime(value: Maybe): string {
  return time(value).replace(/\.(\d*?)0+(?=\D|$)/, (_, digits: string) => (digits ? `.${digits}` : ""));
}

/** Seconds in words: `2 minutes and 5 seconds`. Two units at most. */
export function words(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(total / 86_400), "day"],
    [Math.floor(total / 3600) % 24, "hour"],
    [Math.floor(total / 60) % 60, "minute"],
    [total % 60, "second"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return "0 seconds";
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}${amount === 1 ? "" : "s"}`)
    .join(" and ");
}

/** `95%ile`, as Locust writes it. */
export function percentileLabel(p: number): string {
  return `${Number((p * 100).toFixed(4))}%ile`;
}

/** From one moment to another: `12:03:10–12:03:20`; the day is told when the two are of different ones. */
export function stretch(from: number, to: number): string {
  const sameDay = new Date(from * 1000).toDateString() === new Date(to * 1000).toDateString();
  return sameDay ? `${timeOfDay(from)}–${timeOfDay(to)}` : `${moment(from)} – ${moment(to)}`;
}
