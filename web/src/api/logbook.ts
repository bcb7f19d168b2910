// Log lines of the master and its workers: fetched from where the last reply ended, kept up to a limit.
import { computed, signal } from "@preact/signals";
import type { LogsReply } from "./types";

export type Level = LogsReply["lines"][number]["level"];

export interface LogLine {
  number: number;
  level: Level;
  text: string;
}

/** Lines kept; the engine's own log file has all. */
export const MOST_LINES = 2000;

const LEVELS: Level[] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

export const severity = (level: Level): number => LEVELS.indexOf(level);

/** The level of a line of a worker, which comes as text: `[time] host/WARNING/module: …`. */
export function levelOf(text: string): Level {
  const found = /\b(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b/.exec(text.slice(0, 120))?.[1];
  return found === "WARN" ? "WARNING" : ((found as Level | undefined) ?? "INFO");
}

const warns = (level: Level): boolean => severity(level) >= severity("WARNING");

export class LogBook {
  readonly lines = signal<LogLine[]>([]);
  readonly workers = signal<Record<string, string[]>>({});
  /** Lines of the engine up to this number were looked at. */
  private readonly seenUpTo = signal(0);
  /** Warnings of each worker that were looked at. */
  private readonly seenOfWorkers = signal<Record<string, string>>({});

  /** Where the next request should begin. */
  next = 0;

  /** New warnings or worse. */
  readonly unseen = computed(
    () => this.lines.value.filter((line) => line.number >= this.seenUpTo.value && warns(line.level)).length,
  );

  /** Workers with a warning that nobody has looked at. */
  readonly unseenWorkers = computed(() =>
    Object.entries(this.workers.value)
      .filter(([id, lines]) => {
        const last = lastWarning(lines);
        return last !== undefined && last !== this.seenOfWorkers.value[id];
      })
      .map(([id]) => id),
  );

  /** Takes a reply to `logs?since=next`. */
  take(reply: LogsReply): void {
    const held = this.lines.peek();
    const last = held.at(-1)?.number ?? -1;
    const fresh = reply.lines.filter((line) => line.number > last);
    if (fresh.length > 0) this.lines.value = [...held, ...fresh].slice(-MOST_LINES);
    this.workers.value = reply.workers;
    this.next = reply.next;
  }

  /** Another engine, which counts from the beginning. */
  forget(): void {
    this.next = 0;
    this.seenUpTo.value = 0;
    this.lines.value = [];
  }

  /** The lines of the engine are on the screen. */
  markSeen(): void {
    this.seenUpTo.value = this.next;
  }

  /** The lines of this worker are on the screen. */
  markWorkerSeen(id: string): void {
    const last = lastWarning(this.workers.peek()[id] ?? []);
    if (last !== undefined) this.seenOfWorkers.value = { ...this.seenOfWorkers.peek(), [id]: last };
  }
}

function lastWarning(lines: string[]): string | undefined {
  return lines.findLast((line) => warns(levelOf(line)));
}
