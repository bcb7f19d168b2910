// What the page knows: signals, fed by one event stream and by requests for what somebody looks at.
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { type Client, Failure, type Outcome } from "./client";
import { emptyHistory, hole, joined, thinned } from "./course";
import { LogBook } from "./logbook";
import { type Loaded, Resource } from "./resource";
import { type Connection, Stream, type StreamOptions } from "./stream";
import type {
  Boot,
  History,
  HistoryReply,
  LogsReply,
  Mark,
  PlanReply,
  RowHistory,
  RowKey,
  StartRequest,
  StateReply,
  Summary,
  Tasks,
  Tick,
} from "./types";

export type Now = Omit<Tick, "history">;

interface Options {
  client: Client;
  /** Tests put a source of their own here. */
  openStream?: StreamOptions["open"];
  /** Whether anybody can see the page. */
  visible?: () => boolean;
}

const MOST_MARKS = 500;
/** Milliseconds until a hole that could not be filled is tried again. */
const FILL_AGAIN = 3_000;
/** No engine counts like this. */
const NO_RUN = -1;

const keyOfRow = (key: RowKey): string => JSON.stringify([key.kind, key.method, key.name]);

export class Store {
  readonly connection = signal<Connection>({ status: "connecting" });
  readonly boot = signal<Boot | null>(null);
  /** The newest second; null before the first reply. */
  readonly now = signal<Now | null>(null);
  readonly history = signal<History>(emptyHistory());
  readonly marks = signal<Mark[]>([]);
  /** Why there is no past to be seen, while the present is. */
  readonly historyError = signal<string | null>(null);
  readonly logs = new LogBook();

  readonly state = computed(() => this.now.value?.state ?? null);
  readonly active = computed(() => ["spawning", "running", "cleanup", "stopping"].includes(this.state.value ?? ""));
  /** A run has begun, but the newest figures are those of the run before. */
  readonly beginning = computed(() => {
    const { at, started } = this.now.value ?? { at: 0, started: null };
    return started !== null && at < started;
  });
  /** What is shown is older than it should be. */
  readonly old = computed(() => this.connection.value.status === "lost");

  readonly summary: Resource<Summary>;
  readonly tasks: Resource<Tasks>;
  private readonly logLines: Resource<null>;
  private readonly rows = new Map<string, Resource<RowHistory>>();

  private readonly stream: Stream;
  private readonly client: Client;
  private readonly visible: () => boolean;
  /** The course as it is; `history` follows while the page is visible. */
  private course = emptyHistory();
  /** The newest second; `now` follows while the page is visible. */
  private newest: Now | null = null;
  /** Since when points are missing, and when they may be asked for again. */
  private missing: { since: number; after: number } | null = null;
  private filling = false;
  private lastKey = "";
  private run: number | null = null;
  /** The connection was lost, and nothing was heard since. */
  private returned = false;
  private releaseLogs: (() => void) | null = null;

  constructor({ client, openStream, visible }: Options) {
    this.client = client;
    this.visible = visible ?? (() => document.visibilityState !== "hidden");
    this.summary = new Resource(() => client.get<Summary>("api/v1/summary"), 1_000, this.visible);
    this.tasks = new Resource(() => client.get<Tasks>("tasks"), 3_000, this.visible);
    this.logLines = new Resource(
      () => this.fetchLogs(),
      2_000,
      () => true,
    );
    this.stream = new Stream({
      url: client.url("api/v1/events"),
      open: openStream,
      onTick: (tick) => this.take(tick),
      onConnection: (connection) => this.connect(connection),
      probe: async () => {
        await client.get("api/v1/state");
      },
    });
  }

  /** Begins: with what the page brought, or by asking. */
  start(boot: Boot | undefined): void {
    if (boot) this.boot.value = boot;
    this.stream.start();
    this.releaseLogs = this.logLines.want();
    void this.refresh();
    this.fill(0);
    if (typeof document !== "undefined") document.addEventListener("visibilitychange", this.onVisible);
  }

  stop(): void {
    this.stream.stop();
    this.releaseLogs?.();
    if (typeof document !== "undefined") document.removeEventListener("visibilitychange", this.onVisible);
  }

  /** Tries to connect at once. */
  retry(): void {
    this.stream.retryNow();
  }

  /** The course of one row; every caller of the same row gets the same. */
  row(key: RowKey): Resource<RowHistory> {
    const name = keyOfRow(key);
    let found = this.rows.get(name);
    if (!found) {
      const query = new URLSearchParams({ kind: key.kind, method: key.method, name: key.name });
      found = new Resource(() => this.client.get<RowHistory>(`api/v1/rows/history?${query}`), 1_000, this.visible);
      // The one that was opened first goes: nobody has dozens open.
      if (this.rows.size >= 32) this.rows.delete(this.rows.keys().next().value ?? "");
      this.rows.set(name, found);
    }
    return found;
  }

  /** Returns when the page knows of the run. */
  begin = async (request: StartRequest): Promise<Outcome> => {
    const outcome = await this.change("api/v1/start", request);
    await this.refresh();
    return outcome;
  };
  edit = (request: StartRequest): Promise<Outcome> => this.change("api/v1/edit", request);
  halt = (): Promise<Outcome> => this.change("api/v1/stop");
  reset = (): Promise<Outcome> => this.change("api/v1/reset");
  plan = (request: StartRequest): Promise<PlanReply> => this.client.post<PlanReply>("api/v1/plan", request);
  /** Locust's own endpoint for the settings of a user class; returns when the page knows them. */
  configure = async (data: Record<string, unknown>): Promise<void> => {
    await this.client.post("user", data);
    await this.refresh();
  };

  /** Asks for the present state and for the definitions of the form. */
  async refresh(): Promise<void> {
    try {
      const { boot, ...now } = await this.client.get<StateReply>("api/v1/state");
      batch(() => {
        this.boot.value = boot;
        // A tick that came meanwhile is newer.
        if (now.at >= (this.newest?.at ?? 0)) this.setNow(now);
      });
    } catch {
      // The stream tells why, and tries again.
    }
  }

  private async change(path: string, data: unknown = {}): Promise<Outcome> {
    const outcome = await this.client.post(path, data);
    if (outcome && outcome.success === false) throw new Failure(outcome.message, 200);
    void this.refresh();
    return outcome;
  }

  private connect(connection: Connection): void {
    const before = this.connection.peek();
    if (connection.status === "live") {
      if (before.status === "live") return;
      // Whatever was asked for meanwhile may have failed.
      if (before.status === "lost") {
        this.returned = true;
        void this.refresh();
        this.touchAll();
      }
    }
    this.connection.value = connection;
  }

  private take(tick: Tick): void {
    const { history, ...now } = tick;
    // Whoever answers after a while need not be who was there before: another process may count its runs alike.
    const another = this.returned && this.newest !== null && this.newest.started !== now.started;
    this.returned = false;
    if (another) {
      this.run = NO_RUN;
      this.logs.forget();
      this.logLines.touch();
    }
    this.setRun(now.revision.run);
    if (this.boot.peek() === null) void this.refresh();
    const since = hole(this.course, history);
    this.course = thinned(joined(this.course, history));
    batch(() => {
      this.addMarks(now.marks);
      this.setNow(now);
      this.publish();
    });
    if (since !== null) this.fill(since);
    else if (this.missing && Date.now() >= this.missing.after) this.fill(this.missing.since);
  }

  private setNow(now: Now): void {
    this.setRun(now.revision.run);
    const before = this.newest;
    this.newest = now;
    // When nobody looks, figures wait until somebody does; a change of state is announced at once.
    if (this.visible() || before?.state !== now.state) this.now.value = now;
    const { revision, total, state, users, worker_count, health } = now;
    const key = JSON.stringify([revision, total, state, users, worker_count, health.text]);
    if (key !== this.lastKey) {
      this.lastKey = key;
      this.touchAll();
    }
    if (revision.logs !== before?.revision.logs) this.logLines.touch();
  }

  private touchAll(): void {
    this.summary.touch();
    this.tasks.touch();
    for (const row of this.rows.values()) row.touch();
  }

  /** Another run, or all figures were set to zero: what is held belongs to the past. */
  private setRun(run: number): void {
    if (this.run === run) return;
    const first = this.run === null;
    this.run = run;
    if (first) return;
    this.course = emptyHistory();
    this.marks.value = [];
    this.rows.clear();
    this.summary.forget();
    this.publish();
    this.fill(0);
  }

  private addMarks(marks: Mark[]): void {
    const held = this.marks.peek();
    const known = new Set(held.map(keyOfMark));
    const fresh = marks.filter((mark) => !known.has(keyOfMark(mark)));
    if (fresh.length > 0) this.marks.value = [...held, ...fresh].sort((a, b) => a.at - b.at).slice(-MOST_MARKS);
  }

  private publish(): void {
    if (this.visible()) this.history.value = this.course;
  }

  /** Fetches what the stream did not bring. */
  private fill(since: number): void {
    this.missing = {
      since: Math.min(since, this.missing?.since ?? since),
      after: this.filling ? 0 : Date.now() + FILL_AGAIN,
    };
    if (!this.filling) void this.fetchMissing(this.missing);
  }

  private async fetchMissing(wanted: { since: number }): Promise<void> {
    this.filling = true;
    const run = this.run;
    try {
      const { history, marks } = await this.client.get<HistoryReply>(`api/v1/history?since=${wanted.since}`);
      // What belongs to the run before must not stand beside the new one: it is asked for again.
      if (run === null || run === this.run) {
        if (this.missing === wanted) this.missing = null;
        this.course = thinned(joined(this.course, history));
        batch(() => {
          this.addMarks(marks);
          this.publish();
          this.historyError.value = null;
        });
      }
    } catch (error) {
      this.historyError.value = error instanceof Error ? error.message : String(error);
    }
    this.filling = false;
  }

  private async fetchLogs(): Promise<null> {
    this.logs.take(await this.client.get<LogsReply>(`api/v1/logs?since=${this.logs.next}`));
    return null;
  }

  private onVisible = (): void => {
    if (!this.visible()) return;
    batch(() => {
      this.now.value = this.newest;
      this.history.value = this.course;
    });
    this.touchAll();
    this.stream.retryNow();
  };
}

const keyOfMark = (mark: Mark): string => `${mark.at} ${mark.kind} ${mark.text}`;

export type { Loaded, ReadonlySignal };
