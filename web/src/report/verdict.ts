// The run in one sentence: pure.
import { type Figures, PERCENTILES, type Summary } from "../api/types";
import { rowTooFew } from "../figures/enough";
import { count, percent, plural, rate, time, words } from "../figures/format";
import { failureRatio, percentileOf } from "../figures/statsColumns";

/** A piece of the sentence; what matters is set in bold. */
export type Piece = string | { strong: string; tone?: "bad" | "good" };

const strong = (text: string, tone?: "bad" | "good"): Piece => (tone ? { strong: text, tone } : { strong: text });

/** Most users at one time. */
export function peakUsers(summary: Summary & { history?: { users: { max: (number | null)[] } } }): number {
  const seen = summary.history?.users.max ?? [];
  const now = Object.values(summary.users).reduce((sum, users) => sum + users, 0);
  return seen.reduce((most: number, users) => Math.max(most, users ?? 0), now);
}

/** Seconds in which figures were not to be trusted; stretches may lie across each other. */
export function suspectSeconds(suspect: readonly { from: number; to: number }[]): number {
  let end = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const one of [...suspect].sort((a, b) => a.from - b.from)) {
    sum += Math.max(0, one.to - Math.max(one.from, end));
    end = Math.max(end, one.to);
  }
  return sum;
}

export function verdict(summary: Summary): Piece[] {
  const { total, health } = summary;
  const seconds = summary.at - summary.start;
  const target = summary.host ? ` to ${summary.host}` : "";
  if (total.requests === 0)
    return [
      `In ${words(seconds)} `,
      strong("no request was finished", "bad"),
      total.failures > 0 ? ", only failures." : ".",
    ];
  const users = peakUsers(summary);
  const failing = failureRatio(total) ?? 0;
  const p95 = percentileOf(total, 0.95);
  return [
    `In ${words(seconds)} `,
    ...(users > 0 ? ["up to ", strong(plural(users, "user")), " sent "] : [""]),
    strong(plural(total.requests, "request")),
    ` (${rate(total.requests_per_second)} per second)${target}. `,
    failing === 0 ? strong("None failed", "good") : strong(`${percent(failing)} failed`, "bad"),
    ...(p95 === null ? [""] : [", ", strong(`95 % were answered within ${time(p95)}`), doubt(total, 0.95)]),
    ...healthPieces(health),
  ];
}

/** Where the true percentile lies with 95 % confidence: `11.2 to 12.9`, `at least 11.2 ms`; nothing in older records. */
export function interval(figures: Figures, p: number): string | null {
  const found: unknown = figures.intervals?.[PERCENTILES.indexOf(p as (typeof PERCENTILES)[number])];
  if (!Array.isArray(found) || !Number.isFinite(found[0])) return null;
  const [low, high] = found as [number, unknown];
  if (typeof high !== "number" || !Number.isFinite(high)) return `at least ${time(low)}`;
  const ends = [low, high].map((end) => time(end));
  const units = [...ends, time(percentileOf(figures, p))].map(unitOf);
  // One unit for all is that of the figure itself.
  const short = units.every((unit) => unit !== "" && unit === units[0]);
  return ends.map((end) => (short ? end.slice(0, -1 - unitOf(end).length) : end)).join(" to ");
}

/** Of times in two units (`1 min 20 s`) there is none. */
const unitOf = (text: string): string => /^[^\s]+\u202f(\S+)$/.exec(text)?.[1] ?? "";

function doubt(total: Figures, p: number): string {
  const why = interval(total, p) ?? rowTooFew(total, p);
  return why ? ` (${why})` : "";
}

function healthPieces(health: Summary["health"]): Piece[] {
  const seconds = suspectSeconds(health.suspect);
  if (health.sound && health.suspect.length === 0) return [", and the generator was healthy throughout."];
  return [
    ". ",
    strong(
      seconds > 0
        ? `For ${words(Math.max(1, seconds))} the generator itself was overloaded: those figures are suspect.`
        : "The generator itself was not healthy: figures are suspect.",
      "bad",
    ),
  ];
}

/** The sentence as plain text, for the page's title and for mails. */
export function plain(pieces: readonly Piece[]): string {
  return pieces.map((piece) => (typeof piece === "string" ? piece : piece.strong)).join("");
}

export interface KeyFigure {
  label: string;
  value: string;
  bad?: boolean;
  /** Where the true value lies. */
  interval?: string | null;
  /** Why so few requests do not tell it. */
  few?: string | undefined;
}

export function keyFigures(summary: Summary): KeyFigure[] {
  const { total } = summary;
  const percentile = (label: string, p: number): KeyFigure => ({
    label,
    value: time(percentileOf(total, p)),
    interval: interval(total, p),
    few: rowTooFew(total, p),
  });
  const due = total.from_due;
  return [
    { label: "Requests", value: count(total.requests) },
    { label: "Requests/s", value: rate(total.requests_per_second) },
    { label: "Failed", value: percent(failureRatio(total) ?? 0), bad: total.failures > 0 },
    percentile("Median", 0.5),
    percentile("p95", 0.95),
    percentile("p99", 0.99),
    { label: "Max", value: time(total.requests > total.untimed ? total.max : null) },
    ...(due ? [{ label: "p95 from due", value: time(percentileOf(due, 0.95)) }] : []),
    { label: "Users at most", value: count(peakUsers(summary)) },
    { label: "Exceptions", value: count(exceptionCount(summary)), bad: exceptionCount(summary) > 0 },
  ];
}

function exceptionCount({ exceptions, folded }: Summary): number {
  return exceptions.reduce((sum, { count }) => sum + count, folded.exception_occurrences);
}
