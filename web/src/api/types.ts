// What the engine says, field for field: the JSON of /api/v1 and of the data inside a report.
// Times of requests are milliseconds, moments are seconds since the Unix epoch, rates are per second, ratios are 0 to 1.

export type RunState = "ready" | "spawning" | "running" | "cleanup" | "stopping" | "stopped" | "missing";

/** Labels of `percentiles`, in this order. */
export const PERCENTILES = [0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1] as const;

export interface Current {
  requests_per_second: number;
  failures_per_second: number;
  /** One for each of PERCENTILES; null when nothing was timed in the last ten seconds. */
  percentiles: (number | null)[];
}

export interface Figures {
  requests: number;
  untimed: number;
  failures: number;
  bytes: number;
  min: number;
  mean: number;
  median: number;
  max: number;
  percentiles: (number | null)[];
  /**
   * Where the true value of each of `percentiles` lies with 95 % confidence, from low to high; high is null where so few
   * requests set no bound. Only in what is saved of a run, and not in records of earlier versions.
   */
  intervals?: [number, number | null][];
  requests_per_second: number;
  failures_per_second: number;
  last_request: number | null;
  /** Response times from the moment a request was due; only where something is due. */
  from_due?: FromDue;
}

export interface FromDue {
  count: number;
  min: number;
  mean: number;
  median: number;
  max: number;
  percentiles: (number | null)[];
}

export interface SegmentRow extends Figures {
  segment: string;
}

export interface Row extends Figures {
  kind: "request" | "journey";
  /** HTTP method; for a journey the user class; empty for the total and for classes. */
  method: string;
  /** Name of the request, task or user class; "Aggregated" for the total. */
  name: string;
  order: number;
  current: Current;
  segments: SegmentRow[];
}

export interface ErrorRow {
  kind: "request" | "journey";
  method: string;
  name: string;
  error: string;
  occurrences: number;
  first_seen: number;
  last_seen: number;
}

export interface ExceptionRow {
  scenario: string;
  message: string;
  detail: string;
  count: number;
  nodes: string[];
}

export interface Times {
  count: number;
  mean: number;
  p50: number;
  p95: number;
  max: number;
}

export interface Step {
  method: string;
  name: string;
  /** Runs that came to this step, each counted once. */
  runs: number;
  /** Runs whose last request it was. */
  ended_here: number;
  requests: number;
  failures: number;
  time: Times;
  /** Pause between the request before and this one. */
  before: Times;
}

export interface Funnel {
  scenario: string;
  task: string;
  runs: number;
  /** "finished", "failed", "cut off", or words of the workload's own such as "none found", "lost a race". */
  ends: { outcome: string; runs: number }[];
  duration: Times;
  between: Times;
  steps: Step[];
}

export interface Exemplar {
  why: "slow" | "failed";
  method: string;
  name: string;
  at: number;
  time: number | null;
  user: number;
  scenario: string;
  segment: string | null;
  /** 0 when there was no reply. */
  status: number;
  /** Empty when there was none. */
  trace: string;
  error: string | null;
  excerpt: string | null;
}

export interface Health {
  sound: boolean;
  text: string;
  lag: FromDue;
  drivers: { driver: string; cpu: number; lag: number }[];
  suspect: { from: number; to: number; reason: string; advice: string }[];
}

export type MarkKind = "start" | "plan" | "reset" | "target" | "worker" | "health" | "stop";

export interface Mark {
  at: number;
  kind: MarkKind;
  text: string;
}

export interface Worker {
  id: string;
  state: string;
  users: number;
  /** Percent of one core. */
  cpu: number;
  /** Bytes. */
  memory: number;
}

export type MetricRow = { name: string } & (
  | { type: "counter"; total: number; per_second: number }
  | { type: "gauge"; last: number; min: number; max: number; mean: number }
  | { type: "timing"; [figure: string]: unknown }
);

/** GET /api/v1/summary, and the data of a report. Histograms are only in files and on request (?histograms=true). */
export interface Summary {
  version: number;
  host: string | null;
  profile: string | null;
  seed: number | null;
  setup_requests: number;
  notes: string[];
  workload: string;
  engine: string;
  settings: Record<string, string>;
  trace_url?: string;
  start: number;
  at: number;
  last_request: number | null;
  users: Record<string, number>;
  percentile_source: "fine" | "locust";
  rows: Row[];
  total: Row;
  errors: ErrorRow[];
  exceptions: ExceptionRow[];
  aborted: number;
  schedule?: { started: number; dropped: number; late_starts: FromDue };
  metrics?: MetricRow[];
  folded: {
    errors: number;
    error_occurrences: number;
    exceptions: number;
    exception_occurrences: number;
    names: number;
  };
  classes: Row[];
  funnels: Funnel[];
  exemplars: Exemplar[];
  health: Health;
  marks: Mark[];
  workers: Worker[];
}

/** A figure observed once a second: columns beside `time`; null where there was no observation. */
export interface GaugeColumns {
  min: (number | null)[];
  mean: (number | null)[];
  max: (number | null)[];
}

/**
 * The course of a run in columns, one entry for each point, oldest first. A point stands for `span` seconds from `time`
 * on: old seconds are united in powers of two, which adds up counts and keeps minimum and maximum.
 */
export interface History {
  time: number[];
  span: number[];
  requests: number[];
  failures: number[];
  /** Requests and failures of each single second. */
  rate: GaugeColumns;
  failure_rate: GaugeColumns;
  /** Running users, and users as planned at that moment. */
  users: GaugeColumns;
  planned: GaugeColumns;
  /** Running users by class (mean of the span). */
  class_users: Record<string, (number | null)[]>;
  /** Of the ten-second window, milliseconds. */
  p50: GaugeColumns;
  p90: GaugeColumns;
  p95: GaugeColumns;
  p99: GaugeColumns;
  /** Largest response time of each second. */
  max: GaugeColumns;
  mean: GaugeColumns;
  /** For each point the occupied latency bands and their counts, flat: [band, count, band, count, …]. */
  heat: number[][];
}

/** Lower bound of a latency band in milliseconds: four bands to an octave. Band b holds [bandStart(b), bandStart(b+1)). */
export function bandStart(band: number): number {
  return ((4 + (band & 3)) * 2 ** ((band >> 2) - 2)) / 1e6;
}

/** The course of one row (request, journey, user class): coarser, and without gauges. */
export interface RowHistory {
  time: number[];
  span: number[];
  requests: number[];
  failures: number[];
  /** Of the ten-second window (of united points: the largest). */
  p50: (number | null)[];
  p95: (number | null)[];
  p99: (number | null)[];
  max: (number | null)[];
}

/** GET /api/v1/history?since=SECONDS: points whose time is >= since. */
export interface HistoryReply {
  history: History;
  marks: Mark[];
}

/** Which row a RowHistory belongs to. */
export interface RowKey {
  kind: "request" | "journey" | "class";
  method: string;
  name: string;
}

/** A tick of GET /api/v1/events (event name "tick", id = the newest second in `history`), once a second. */
export interface Tick {
  at: number;
  state: RunState;
  /** Users running, and the number they are going to (null for shapes and open models). */
  users: number;
  target_users: number | null;
  spawn_rate: number | null;
  /** When the run began; null before the first. */
  started: number | null;
  /** When it will end by itself, if it will. */
  ends: number | null;
  host: string | null;
  worker_count: number;
  total: Row;
  health: Health;
  /** Points since the tick before (the newest may replace one that was sent: same `time`). */
  history: History;
  marks: Mark[];
  /** Grow when there is something new behind the other endpoints. */
  revision: { run: number; errors: number; exceptions: number; exemplars: number; logs: number };
}

export interface Setting {
  name: string;
  label: string;
  help: string;
  kind: "flag" | "number" | "text" | "choice" | "list" | "span";
  choices: string[];
  /** The present value as text; empty when secret. */
  value: string;
  secret: boolean;
  required: boolean;
}

export interface ClassInfo {
  name: string;
  weight: number;
  fixed_count: number;
  host: string | null;
  /** The tasks that its users do. */
  tasks: string[];
  /** All that could be among them: some may be switched off. */
  all_tasks: string[];
  /** Whether it takes part in the run. */
  chosen: boolean;
}

/** What the page is told at its start, beside Locust's window.templateArgs: `window.swarmer`. */
export interface Boot {
  /** "" or such as "/load". */
  base_path: string;
  workload: string;
  workload_version: string;
  engine_version: string;
  signed_in: string | null;
  can_sign_out: boolean;
  csrf: string;
  /** The page is bound to more than this machine, without sign-in. */
  exposed: boolean;
  is_distributed: boolean;
  expect_workers: number;
  classes: ClassInfo[];
  shapes: string[];
  class_picker: boolean;
  full_history_csv: boolean;
  settings: Setting[];
  trace_url: string | null;
  /** What the start form is filled with. */
  start: {
    users: number | null;
    spawn_rate: number | null;
    host: string;
    run_time: string;
    profile: string;
    stages: string;
    /** The workload's shape where it decides the number of users; empty where something else does. */
    shape: string;
  };
}

/** GET /api/v1/state */
export interface StateReply extends Omit<Tick, "history"> {
  boot: Boot;
}

/** POST /api/v1/start and /api/v1/edit (JSON; fields left out stay as they are). Replies {message, success}. */
export interface StartRequest {
  users?: number;
  spawn_rate?: number;
  host?: string;
  run_time?: string;
  profile?: string;
  classes?: string[];
  shape?: string;
  /** Such as "30s:50,2m:50,30s:0", instead of users and spawn_rate. */
  stages?: string;
  settings?: Record<string, string>;
}

/** POST /api/v1/plan (a StartRequest): what would happen, for drawing before the start. */
export interface PlanReply {
  /** Corner points of the target number of users (or of journeys per second). */
  seconds: number[];
  users: number[];
  unit: "users" | "journeys per second";
  /** Seconds; null when it does not end by itself. */
  duration: number | null;
}

/** Errors of /api/v1: status 400, 401, 403, 404, 405, 409, 413, 422, 429. */
export interface ApiError {
  error: string;
  hint?: string;
  field?: string;
}

/** The data inside a report: <script type="application/json" id="swarmer-record">. Also what --summary-json writes. */
export interface Record_ extends Summary {
  history: History;
  row_histories: (RowKey & RowHistory)[];
  /** The runs that this is the sum of; absent for a run as it was. Times are seconds since the epoch. */
  runs?: { title: string; start: number; end: number }[];
}

/** GET /tasks */
export interface TaskNode {
  ratio: number;
  tasks?: Record<string, TaskNode>;
}
export interface Tasks {
  per_class: Record<string, TaskNode>;
  total: Record<string, TaskNode>;
}

/** GET /api/v1/logs?since=N (number of the first line wanted) */
export interface LogsReply {
  next: number;
  lines: { number: number; level: "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL"; text: string }[];
  workers: Record<string, string[]>;
}

/** Two values of one figure: run A, run B, and whether they differ. */
export interface Difference {
  a: number | null;
  b: number | null;
  /** b − a, and as a share of a. */
  diff: number | null;
  share: number | null;
  /** The interval in which the true difference lies with `Comparison.confidence`; null where there is none. */
  low: number | null;
  high: number | null;
  /** The interval leaves out 0, and the difference is large enough to be of use to anybody. */
  matters: boolean;
  /** Where it matters: whether B is the better one. */
  better: boolean | null;
}

export interface ComparedRow extends RowKey {
  /** Requests of each run; 0 when the row is in one run only. */
  requests: { a: number; b: number };
  rate: Difference;
  failure_ratio: Difference;
  mean: Difference;
  p50: Difference;
  p95: Difference;
  p99: Difference;
}

export interface ComparedRun {
  /** The file, or what it was called. */
  title: string;
  workload: string;
  host: string | null;
  profile: string | null;
  start: number;
  /** Seconds. */
  duration: number;
  requests: number;
  failures: number;
  sound: boolean;
  health: string;
  notes: string[];
  settings: Record<string, string>;
}

/** The data of a comparison: <script type="application/json" id="swarmer-comparison">. Also what `swarmer compare --json` prints. */
export interface Comparison {
  version: number;
  /** 0.99: how often intervals hold what is true. */
  confidence: number;
  /** One sentence. */
  verdict: string;
  /** What makes the runs hard to compare: other options, suspect figures, too few requests. */
  warnings: string[];
  a: ComparedRun;
  b: ComparedRun;
  total: ComparedRow;
  /** Requests, then journeys; those with differences that matter first. */
  rows: ComparedRow[];
}
