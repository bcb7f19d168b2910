// A pretended engine: states, seconds that pass, and the replies of the contract.
import { randomUUID } from "node:crypto";
import type {
  Boot,
  ClassInfo,
  Health,
  LogsReply,
  Mark,
  PlanReply,
  RunState,
  Setting,
  StartRequest,
  Summary,
  Tasks,
  Tick,
} from "../../src/api/types.ts";
import { exemplars, funnel, history, lag, REQUESTS, row, type Second } from "./figures.ts";
import { LARGE, largeSummary } from "./large.ts";

export interface MockOptions {
  workers?: number;
  exposed?: boolean;
  signedIn?: string | null;
  /** Seconds of a run that are there from the beginning. */
  past?: number;
  suspect?: boolean;
  classPicker?: boolean;
  /** As many names, errors and workers as the page has to bear. */
  large?: boolean;
}

const setting = (name: string, label: string, kind: Setting["kind"], value: string, more: Partial<Setting> = {}) => ({
  name,
  label,
  help: `What ${label.toLowerCase()} does.`,
  kind,
  choices: [],
  value,
  secret: false,
  required: false,
  ...more,
});

const userClass = (name: string, weight: number, tasks: string[]): ClassInfo => ({
  name,
  weight,
  fixed_count: 0,
  host: null,
  tasks,
  all_tasks: tasks,
  chosen: true,
});

export class MockEngine {
  state: RunState = "ready";
  users = 0;
  target = 0;
  rate = 1;
  host = "http://127.0.0.1:8080";
  started: number | null = null;
  /** The figures of the run before, which the engine tells until the first second of the new one is over. */
  private before: Tick | null = null;
  ends: number | null = null;
  seconds: Second[] = [];
  marks: Mark[] = [];
  logs: LogsReply["lines"] = [];
  run = 0;
  /** Everything that was posted, for tests. */
  readonly posted: { path: string; body: unknown }[] = [];
  readonly csrf = randomUUID();
  private sent = 0;

  readonly options: MockOptions;

  private classes: ClassInfo[] = [
    userClass("PolicyAgent", 30, ["Renew Policy", "Search Policies"]),
    userClass("QuoteAgent", 50, ["Convert Quote to Policy", "Create Quote"]),
  ];

  constructor(options: MockOptions = {}) {
    this.options = options.large ? { past: 300, workers: LARGE.workers, ...options } : options;
    this.log("INFO", "swarmer.main: Starting web interface at http://127.0.0.1:8089");
    if (this.options.past) this.pretend(this.options.past);
  }

  boot(): Boot {
    return {
      base_path: "",
      workload: "load-tests",
      workload_version: "0.1.0",
      engine_version: "0.1.0",
      signed_in: this.options.signedIn ?? null,
      can_sign_out: Boolean(this.options.signedIn),
      csrf: this.csrf,
      exposed: this.options.exposed ?? false,
      is_distributed: (this.options.workers ?? 0) > 0,
      expect_workers: this.options.workers ?? 1,
      classes: this.classes,
      shapes: ["Daily Curve"],
      class_picker: this.options.classPicker ?? true,
      full_history_csv: true,
      settings: [
        setting("time_scale", "Time scale", "number", "1.0"),
        setting("group", "Group", "choice", "both", { choices: ["A", "B", "both"] }),
        setting("cache", "Use cached customers", "flag", "true"),
        setting("regions", "Regions", "list", "north,south"),
        setting("warm_up", "Warm up", "span", "10s"),
        setting("api_key", "API key", "text", "", { secret: true }),
        setting("tenant", "Tenant", "text", "demo", { required: true }),
      ],
      trace_url: "https://apm.example/trace/{trace}",
      start: { users: 50, spawn_rate: 10, host: this.host, run_time: "10m", profile: "", stages: "", shape: "" },
    };
  }

  /** What `POST /user` asks for; false when there is no such class. */
  configure({ user_class_name, ...change }: Partial<ClassInfo> & { user_class_name?: string }): boolean {
    const known = this.classes.some(({ name }) => name === user_class_name);
    this.classes = this.classes.map((info) => (info.name === user_class_name ? { ...info, ...change } : info));
    return known;
  }

  start(request: StartRequest): { success: boolean; message: string } {
    const at = Date.now() / 1000;
    const fresh = this.state === "ready" || this.state === "stopped";
    if (request.users !== undefined && request.users < 0)
      return { success: false, message: "users must not be negative" };
    if (request.host) this.host = request.host;
    this.target = request.users ?? (this.target || 50);
    this.rate = request.spawn_rate ?? this.rate;
    this.state = "spawning";
    if (fresh) {
      this.run += 1;
      const last = this.seconds.at(-1)?.at ?? 0;
      this.before = last > 0 ? this.tick() : null;
      this.seconds = [];
      this.marks = [{ at, kind: "start", text: "run started" }];
      this.started = Math.max(Math.floor(at), last + 1);
      this.ends = request.run_time ? at + 600 : null;
      this.users = 0;
      this.sent = 0;
    } else {
      this.marks.push({ at, kind: "plan", text: `${this.target} users at ${this.rate}/s` });
    }
    this.log("INFO", `swarmer.runners: Ramping to ${this.target} users at a rate of ${this.rate} per second`);
    return { success: true, message: "Swarming started" };
  }

  halt(): void {
    this.state = "stopped";
    this.users = 0;
    this.marks.push({ at: Date.now() / 1000, kind: "stop", text: "stopped by hand" });
    this.log("INFO", "swarmer.main: Shutting down (exit code 0)");
  }

  reset(): void {
    this.run += 1;
    this.seconds = [];
    this.sent = 0;
    this.marks = [{ at: Date.now() / 1000, kind: "reset", text: "figures set to zero" }];
  }

  /** One second passes. */
  step(at = Date.now() / 1000): void {
    if (!["spawning", "running"].includes(this.state)) return;
    this.users = Math.min(this.target, this.users + this.rate);
    if (this.users >= this.target) {
      this.users = this.target;
      this.state = "running";
    }
    this.before = null;
    this.record(Math.floor(at));
    if (Math.random() < 0.05) {
      this.log("WARNING", "swarmer.http: connection to <script>alert(1)</script> was refused, trying again");
    }
    if (this.ends && at >= this.ends) this.halt();
  }

  tick(): Tick {
    const at = this.before?.at ?? this.seconds.at(-1)?.at ?? Math.floor(Date.now() / 1000);
    const fresh = this.seconds.slice(Math.max(0, this.sent - 1));
    this.sent = this.seconds.length;
    return {
      at,
      state: this.state,
      users: Math.round(this.users),
      target_users: this.target,
      spawn_rate: this.rate,
      started: this.started,
      ends: this.ends,
      host: this.host,
      worker_count: this.options.workers ?? 0,
      total: this.before?.total ?? this.total(at),
      health: this.health(at),
      history: history(fresh.slice(-5)),
      marks: this.marks,
      revision: { run: this.run, errors: this.seconds.length, exceptions: 1, exemplars: 1, logs: this.logs.length },
    };
  }

  summary(): Summary {
    if (this.options.large) return largeSummary(this);
    const at = this.seconds.at(-1)?.at ?? Date.now() / 1000;
    const total = this.requests();
    const rows = total
      ? REQUESTS.map(({ method, name, typical, share, fails }, order) =>
          row("request", order, method, name, this.part(Math.round(total * share), fails, typical, at)),
        )
      : [];
    return {
      version: 1,
      host: this.host,
      profile: null,
      seed: 42,
      setup_requests: 3,
      notes: [],
      workload: "load-tests 0.1.0",
      engine: "swarmer 0.1.0",
      settings: { users: String(this.target), api_key: "***" },
      trace_url: "https://apm.example/trace/{trace}",
      start: this.started ?? at,
      at,
      last_request: total ? at : null,
      users: { QuoteAgent: Math.round(this.users * 0.6), PolicyAgent: Math.round(this.users * 0.4) },
      percentile_source: "fine",
      rows,
      total: this.total(at),
      errors: rows
        .filter(({ failures }) => failures > 0)
        .map(({ method, name, failures }) => ({
          kind: "request",
          method,
          name,
          error: "status 409, expected 201",
          occurrences: failures,
          first_seen: this.started ?? at,
          last_seen: at,
        })),
      exceptions: total
        ? [
            {
              scenario: "QuoteAgent",
              message: "no customer left",
              detail: "at create_quote\n  at step 2",
              count: 3,
              nodes: this.options.workers ? ["worker-1"] : ["local"],
            },
          ]
        : [],
      aborted: 0,
      folded: { errors: 0, error_occurrences: 0, exceptions: 0, exception_occurrences: 0, names: 0 },
      classes: total
        ? ["PolicyAgent", "QuoteAgent"].map((name, order) =>
            row("request", order, "", name, this.part(Math.round(total / 2), 0.004, 12, at)),
          )
        : [],
      funnels: total
        ? [
            funnel("QuoteAgent", "Create Quote", Math.round(total / 9)),
            funnel("QuoteAgent", "Convert Quote to Policy", Math.round(total / 12)),
          ]
        : [],
      exemplars: total ? exemplars(at, Math.random) : [],
      health: this.health(at),
      marks: this.marks,
      workers: this.workers(),
    };
  }

  workers(): Summary["workers"] {
    const number = this.options.workers ?? 0;
    return Array.from({ length: number }, (_, index) => ({
      id: `worker-${index}_3f1c9a`,
      state: index === 3 ? "missing" : this.state === "stopped" ? "ready" : this.state,
      users: Math.floor(this.users / number),
      cpu: 34 + ((index * 13) % 60),
      memory: (48 + index) * 1_048_576,
    }));
  }

  rowHistory() {
    const { time, span, requests, failures, p50, p95, p99, max } = history(this.seconds);
    return { time, span, requests, failures, p50: p50.mean, p95: p95.mean, p99: p99.mean, max: max.mean };
  }

  plan(request: StartRequest): PlanReply {
    if (request.stages) {
      const stages = request.stages.split(",").map((part) => part.split(":"));
      let at = 0;
      const seconds = [0];
      const users = [0];
      for (const [length, number] of stages) {
        at += Number.parseFloat(length ?? "0") * (length?.endsWith("m") ? 60 : 1);
        seconds.push(at);
        users.push(Number(number));
      }
      return { seconds, users, unit: "users", duration: at };
    }
    const [target, rate] = [request.users ?? 1, request.spawn_rate ?? 1];
    const ramp = target / rate;
    return {
      seconds: [0, ramp, 600],
      users: [0, target, target],
      unit: "users",
      duration: request.run_time ? 600 : null,
    };
  }

  tasks(): Tasks {
    const share = this.users > 0 ? 0.6 : 0;
    const tree = (scale: number) => ({
      "Create Quote": { ratio: 0.625 * scale },
      "Convert Quote": { ratio: 0.375 * scale },
    });
    const other = (scale: number) => ({
      "Renew Policy": { ratio: (1 / 3) * scale },
      "Search Policies": { ratio: (2 / 3) * scale },
    });
    return {
      per_class: {
        QuoteAgent: { ratio: share, tasks: tree(1) },
        PolicyAgent: { ratio: share && 0.4, tasks: other(1) },
      },
      total: {
        QuoteAgent: { ratio: share, tasks: tree(share) },
        PolicyAgent: { ratio: share && 0.4, tasks: other(share && 0.4) },
      },
    };
  }

  logsSince(since: number): LogsReply {
    const workers = Array.from({ length: this.options.workers ?? 0 }, (_, index) => [
      `worker-${index}_3f1c9a`,
      [
        `[2026-05-04 14:03:59,120] box/INFO/swarmer.runners: Connected to master`,
        ...(index === 1 ? [`[2026-05-04 14:05:11,003] box/WARNING/swarmer.runners: CPU above 90 %`] : []),
      ],
    ]);
    return {
      next: this.logs.length,
      lines: this.logs.filter(({ number }) => number >= since),
      workers: Object.fromEntries(workers),
    };
  }

  log(level: LogsReply["lines"][number]["level"], text: string): void {
    const when = new Date().toISOString().replace("T", " ").replace("Z", "").replace(".", ",");
    this.logs.push({ number: this.logs.length, level, text: `[${when}] box/${level}/${text}` });
  }

  /** A run that has been going on for some time. */
  private pretend(length: number): void {
    this.start({ users: 50, spawn_rate: 5, run_time: "10m" });
    const now = Math.floor(Date.now() / 1000);
    this.started = now - length;
    this.ends = now + 600 - length;
    for (const mark of this.marks) mark.at = now - length;
    for (let at = now - length; at < now; at += 1) this.step(at);
    this.sent = this.seconds.length;
  }

  private record(at: number): void {
    if (this.seconds.at(-1)?.at === at) return;
    const wave = 1 + 0.15 * Math.sin(at / 17) + 0.08 * Math.random();
    const requests = Math.round(this.users * 5.2 * wave);
    const hiccup = at % 97 < 4 ? 3.5 : 1;
    this.seconds.push({
      at,
      requests,
      failures: Math.round(requests * 0.006 * (hiccup > 1 ? 8 : Math.random())),
      users: this.users,
      planned: this.target,
      typical: (8 + Math.random() * 1.5 + this.users / 30) * hiccup,
    });
    if (this.seconds.length > 4000) this.seconds.shift();
  }

  private requests(): number {
    return this.seconds.reduce((sum, second) => sum + second.requests, 0);
  }

  private part(requests: number, fails: number, typical: number, at: number) {
    const seconds = this.seconds.length;
    const now = this.state === "stopped" || !seconds ? 0 : requests / seconds;
    return { requests, failures: Math.round(requests * fails), typical, seconds, at, now };
  }

  private total(at: number): Summary["total"] {
    const requests = this.requests();
    const failures = this.seconds.reduce((sum, second) => sum + second.failures, 0);
    const last = this.seconds.at(-1);
    return row("request", 0, "", "Aggregated", {
      requests,
      failures,
      typical: last?.typical ?? 10,
      seconds: this.seconds.length,
      at,
      now: this.state === "stopped" ? 0 : (last?.requests ?? 0),
    });
  }

  private health(at: number): Health {
    const bad = this.options.suspect ?? false;
    return {
      sound: !bad,
      text: bad
        ? "CPU of driver 1 saturated for 8 s: lower the number of users or add workers"
        : "generator healthy: late by ≤ 0.2 ms in 99.9 % of wake-ups",
      lag: lag(),
      drivers: [0, 1].map((index) => ({
        driver: String(index),
        cpu: bad && index ? 0.99 : 0.21 + index * 0.04,
        lag: bad && index ? 14.2 : 0.18,
      })),
      suspect: bad
        ? [{ from: at - 8, to: at, reason: "CPU of driver 1 saturated", advice: "lower --users or add workers" }]
        : [],
    };
  }
}
