// One event stream, kept alive: it notices silence, waits longer after each attempt that failed, and says what it does.
import type { Tick } from "./types";

export type Connection =
  | { status: "connecting" }
  | { status: "live" }
  /** Moments in milliseconds of Date.now(). `why` says what happened, for people. */
  | { status: "lost"; since: number; nextTry: number | null; why: string };

interface Source {
  onopen: ((event: Event) => void) | null;
  onerror: ((event: Event) => void) | null;
  addEventListener(name: string, listener: (event: MessageEvent) => void): void;
  close(): void;
}

export interface StreamOptions {
  url: string;
  onTick: (tick: Tick) => void;
  onConnection: (connection: Connection) => void;
  /** Asks the engine for anything: resolves when it answers, rejects with a reason. An event source does not tell why it failed. */
  probe: () => Promise<void>;
  open?: (url: string) => Source;
}

/** Ticks come once a second. */
const SILENCE = 6_000;
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 15_000;

export class Stream {
  private source: Source | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private guard: ReturnType<typeof setInterval> | undefined;
  private heard = 0;
  private attempts = 0;
  private lostAt: number | null = null;
  private why: string | null = null;
  private closed = true;

  constructor(private readonly options: StreamOptions) {}

  start(): void {
    this.closed = false;
    this.options.onConnection({ status: "connecting" });
    this.connect();
    this.guard = setInterval(() => this.listen(), 1_000);
    // A computer that wakes up, or a network that is back: no need to wait for the next attempt.
    globalThis.addEventListener?.("online", this.retryNow);
  }

  stop(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearInterval(this.guard);
    globalThis.removeEventListener?.("online", this.retryNow);
    this.source?.close();
    this.source = null;
  }

  /** Tries at once, when it is waiting. */
  retryNow = (): void => {
    if (this.closed || this.source) return;
    clearTimeout(this.timer);
    this.connect();
  };

  private connect(): void {
    this.heard = Date.now();
    const open = this.options.open ?? ((url: string): Source => new EventSource(url));
    const source = open(this.options.url);
    this.source = source;
    source.onerror = () => this.lose("the connection to the engine broke off");
    source.addEventListener("tick", (event) => {
      if (this.source !== source) return;
      let tick: Tick;
      try {
        tick = JSON.parse(event.data) as Tick;
      } catch {
        return this.lose("the engine sent something that is not JSON");
      }
      this.heard = Date.now();
      this.attempts = 0;
      this.lostAt = null;
      this.why = null;
      this.options.onConnection({ status: "live" });
      this.options.onTick(tick);
    });
  }

  private listen(): void {
    if (this.source && Date.now() - this.heard > SILENCE) this.lose("the engine has been silent for some seconds");
  }

  private lose(why: string): void {
    if (this.closed || !this.source) return;
    this.source.close();
    this.source = null;
    this.attempts += 1;
    this.lostAt ??= Date.now();
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.attempts - 1));
    const nextTry = Date.now() + wait;
    this.timer = setTimeout(() => this.connect(), wait);
    this.why ??= why;
    this.say(nextTry);
    // What the engine answers, or that it does not, tells more than that a stream ended.
    this.options.probe().catch((error: Error) => {
      if (this.closed || this.source) return;
      this.why = error.message;
      this.say(nextTry);
    });
  }

  private say(nextTry: number): void {
    const since = this.lostAt ?? Date.now();
    this.options.onConnection({ status: "lost", since, nextTry, why: this.why ?? "the connection broke off" });
  }
}
