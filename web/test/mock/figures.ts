// Invented figures in the shape of the contract: enough to build and test the page without an engine.
import {
  type Current,
  type Exemplar,
  type Figures,
  type FromDue,
  type Funnel,
  type GaugeColumns,
  type History,
  PERCENTILES,
  type Row,
  type Times,
} from "../../src/api/types.ts";

export interface Request {
  method: string;
  name: string;
  /** Milliseconds. */
  typical: number;
  /** Share of all requests. */
  share: number;
  /** Share that fails. */
  fails: number;
}

export const REQUESTS: Request[] = [
  { method: "POST", name: "/api/v1/auth/login", typical: 62, share: 0.03, fails: 0 },
  { method: "GET", name: "/api/v1/customers/[id]", typical: 4.1, share: 0.21, fails: 0 },
  { method: "POST", name: "1. Calculate Premium", typical: 9.6, share: 0.2, fails: 0.002 },
  { method: "POST", name: "2. Create Quote", typical: 14.8, share: 0.16, fails: 0.004 },
  { method: "GET", name: "3. Get Quote", typical: 3.7, share: 0.15, fails: 0 },
  { method: "POST", name: "4. Convert to Policy", typical: 31, share: 0.11, fails: 0.031 },
  { method: "GET", name: "/api/v1/policies?status=active", typical: 18, share: 0.14, fails: 0.001 },
];

/** A distribution with a long tail around a typical time. */
export function percentilesOf(typical: number): number[] {
  const stretch = [1, 1.16, 1.31, 1.42, 1.85, 2.4, 3.5, 4.6, 8.2, 11, 14];
  return PERCENTILES.map((_, index) => typical * (stretch[index] ?? 1));
}

export function times(count: number, typical: number): Times {
  return { count, mean: typical * 1.2, p50: typical, p95: typical * 2.4, max: typical * 14 };
}

export function figures(requests: number, failures: number, typical: number, seconds: number, at: number): Figures {
  const some = requests > 0;
  return {
    requests,
    untimed: 0,
    failures,
    bytes: requests * 812,
    min: some ? typical * 0.4 : 0,
    mean: some ? typical * 1.2 : 0,
    median: some ? typical : 0,
    max: some ? typical * 14 : 0,
    percentiles: some ? percentilesOf(typical) : PERCENTILES.map(() => null),
    requests_per_second: seconds > 0 ? requests / seconds : 0,
    failures_per_second: seconds > 0 ? failures / seconds : 0,
    last_request: some ? at : null,
  };
}

export function current(perSecond: number, failing: number, typical: number): Current {
  return {
    requests_per_second: perSecond,
    failures_per_second: failing,
    percentiles: perSecond > 0 ? percentilesOf(typical) : PERCENTILES.map(() => null),
  };
}

export function row(
  kind: Row["kind"],
  order: number,
  method: string,
  name: string,
  of: { requests: number; failures: number; typical: number; seconds: number; at: number; now: number },
): Row {
  const half = Math.floor(of.requests / 2);
  const part = (segment: string, requests: number, typical: number) => ({
    ...figures(requests, Math.round(of.failures / 2), typical, of.seconds, of.at),
    segment,
  });
  return {
    ...figures(of.requests, of.failures, of.typical, of.seconds, of.at),
    kind,
    method,
    name,
    order,
    current: current(of.now, of.requests ? (of.now * of.failures) / of.requests : 0, of.typical),
    segments: of.requests ? [part("A", half, of.typical * 0.96), part("B", of.requests - half, of.typical * 1.07)] : [],
  };
}

export function lag(): FromDue {
  const values = percentilesOf(0.04);
  return { count: 120_000, min: 0.002, mean: 0.05, median: 0.04, max: 1.8, percentiles: values };
}

export function funnel(scenario: string, task: string, runs: number): Funnel {
  const steps = REQUESTS.slice(2, 6).map(({ method, name, typical }, index) => ({
    method,
    name,
    runs: Math.round(runs * (1 - index * 0.06)),
    ended_here: Math.round(runs * (index === 3 ? 0.82 : 0.06)),
    requests: Math.round(runs * (1 - index * 0.06)),
    failures: Math.round(runs * 0.004 * index),
    time: times(runs, typical),
    before: times(index ? runs : 0, index ? 2400 : 0),
  }));
  return {
    scenario,
    task,
    runs,
    ends: [
      { outcome: "finished", runs: Math.round(runs * 0.82) },
      { outcome: "none found", runs: Math.round(runs * 0.11) },
      { outcome: "lost a race", runs: Math.round(runs * 0.04) },
      { outcome: "failed", runs: Math.round(runs * 0.03) },
    ],
    duration: times(runs, 7_900),
    between: times(runs, 7_300),
    steps,
  };
}

export function exemplars(at: number, random: () => number): Exemplar[] {
  return REQUESTS.flatMap(({ method, name, typical, fails }, index): Exemplar[] => {
    const one: Exemplar = {
      why: "slow",
      method,
      name,
      at: at - index * 3,
      time: typical * (9 + random() * 5),
      user: Math.floor(random() * 50),
      scenario: "QuoteAgent",
      segment: index % 2 ? "A" : "B",
      status: 200,
      trace: "4bf92f3577b34da6a3ce929d0e0e47".padEnd(32, index.toString(16)),
      error: null,
      excerpt: null,
    };
    if (!fails) return [one];
    return [
      one,
      {
        ...one,
        why: "failed",
        status: 409,
        error: "status 409, expected 201",
        excerpt: '{"error":"QUOTE_ALREADY_CONVERTED","message":"<b>Quote</b> is converted"}',
      },
    ];
  });
}

/** One second of the course. */
export interface Second {
  at: number;
  requests: number;
  failures: number;
  users: number;
  planned: number;
  typical: number;
}

const SPREAD = [0.05, 0.2, 0.3, 0.2, 0.12, 0.08, 0.04, 0.01];
const gauge = (values: (number | null)[]): GaugeColumns => ({ min: values, mean: values, max: values });

export function history(seconds: Second[]): History {
  const of = (pick: (second: Second) => number) => seconds.map(pick);
  return {
    time: of((s) => s.at),
    span: of(() => 1),
    requests: of((s) => s.requests),
    failures: of((s) => s.failures),
    rate: gauge(of((s) => s.requests)),
    failure_rate: gauge(of((s) => s.failures)),
    users: gauge(of((s) => s.users)),
    planned: gauge(of((s) => s.planned)),
    class_users: {
      QuoteAgent: of((s) => Math.round(s.users * 0.6)),
      PolicyAgent: of((s) => s.users - Math.round(s.users * 0.6)),
    },
    p50: gauge(of((s) => s.typical)),
    p90: gauge(of((s) => s.typical * 1.85)),
    p95: gauge(of((s) => s.typical * 2.4)),
    p99: gauge(of((s) => s.typical * 4.6)),
    max: gauge(of((s) => s.typical * 9)),
    mean: gauge(of((s) => s.typical * 1.2)),
    heat: seconds.map(({ typical, requests }) => {
      const middle = Math.round(Math.log2(typical * 1e6) * 4 - 8);
      return [-4, -2, 0, 1, 2, 4, 7, 11].flatMap((offset, index) => [
        middle + offset,
        Math.max(1, Math.round(requests * (SPREAD[index] ?? 0))),
      ]);
    }),
  };
}
