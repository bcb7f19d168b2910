import { describe, expect, it } from "vitest";
import { emptyHistory, hole, joined, MOST_POINTS, thinned } from "../src/api/course";
import type { History } from "../src/api/types";
import { history as invented } from "./mock/figures";

const START = 1_700_000_000;

/** Seconds from `from` up to `to` with figures that tell them apart. */
function seconds(from: number, to: number, typical = (at: number) => 5 + (at % 7)): History {
  const list = Array.from({ length: to - from }, (_, index) => {
    const at = from + index;
    return { at: START + at, requests: 10 + (at % 3), failures: at % 2, users: at, planned: at, typical: typical(at) };
  });
  return invented(list);
}

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);

/** Every column has one entry for each point. */
function expectEven(history: History): void {
  const length = history.time.length;
  const gauges = [history.rate, history.users, history.p95, history.max, history.failure_rate, history.mean];
  expect(new Set(gauges.flatMap(({ min, mean, max }) => [min.length, mean.length, max.length]))).toEqual(
    new Set([length]),
  );
  expect(Object.values(history.class_users).every((values) => values.length === length)).toBe(true);
  expect([history.span, history.requests, history.failures, history.heat].map((c) => c.length)).toEqual(
    Array(4).fill(length),
  );
  expect(history.time).toEqual([...history.time].sort((a, b) => a - b));
}

describe("joining what comes with what is there", () => {
  it("adds what is newer", () => {
    const both = joined(joined(emptyHistory(), seconds(0, 3)), seconds(3, 5));
    expect(both.time.map((at) => at - START)).toEqual([0, 1, 2, 3, 4]);
    expectEven(both);
  });

  it("is another object, so that who compares notices", () => {
    const before = joined(emptyHistory(), seconds(0, 3));
    expect(joined(before, seconds(3, 4))).not.toBe(before);
    expect(joined(before, emptyHistory())).toBe(before);
  });

  it("replaces a second that was not complete when it was sent", () => {
    const both = joined(
      joined(emptyHistory(), seconds(0, 3)),
      seconds(2, 4, () => 99),
    );
    expect(both.time.map((at) => at - START)).toEqual([0, 1, 2, 3]);
    expect(both.p50.mean.slice(2)).toEqual([99, 99]);
    expectEven(both);
  });

  it("puts what fills a hole where it belongs", () => {
    const holed = joined(joined(emptyHistory(), seconds(0, 3)), seconds(8, 10));
    expect(hole(seconds(0, 3), seconds(8, 10))).toBe(START + 2);
    const whole = joined(holed, seconds(2, 9));
    expect(whole.time.map((at) => at - START)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expectEven(whole);
  });

  it("lets united seconds of the engine stand for those they cover", () => {
    const united = seconds(0, 1);
    united.span = [4];
    const both = joined(joined(emptyHistory(), seconds(0, 6)), united);
    expect(both.time.map((at) => at - START)).toEqual([0, 4, 5]);
  });

  it("sees no hole where points follow on, also after a united one", () => {
    const united = seconds(0, 1);
    united.span = [4];
    expect(hole(united, seconds(4, 5))).toBeNull();
    expect(hole(seconds(0, 3), seconds(3, 5))).toBeNull();
    expect(hole(emptyHistory(), seconds(3, 5))).toBeNull();
  });

  it("gives a user class that comes later a past without users", () => {
    const later = seconds(3, 5);
    later.class_users.Newcomer = [1, 2];
    const both = joined(joined(emptyHistory(), seconds(0, 3)), later);
    expect(both.class_users.Newcomer).toEqual([null, null, null, 1, 2]);
    expectEven(both);
  });
});

describe("thinning", () => {
  it("leaves a short run alone", () => {
    const short = seconds(0, MOST_POINTS);
    expect(thinned(short)).toBe(short);
  });

  it("holds a day at one point a second without losing a count or a peak", () => {
    const day = 86_400;
    let held = emptyHistory();
    let requests = 0;
    for (let at = 0; at < day; at += 400) {
      const more = seconds(at, at + 400, (second) => (second === 12_345 ? 4000 : 5));
      requests += sum(more.requests);
      held = thinned(joined(held, more));
      expect(held.time.length).toBeLessThanOrEqual(MOST_POINTS);
    }
    expectEven(held);
    expect(sum(held.requests)).toBe(requests);
    expect(sum(held.span)).toBe(day);
    expect(Math.max(...held.p50.max.map((value) => value ?? 0))).toBe(4000);
    expect(Math.min(...held.p50.min.map((value) => value ?? 0))).toBe(5);
    // The newest ten minutes are there second by second, the old part has one grain or two.
    expect(held.span.slice(-600).every((span) => span === 1)).toBe(true);
    expect(Math.max(...held.span)).toBeLessThanOrEqual(128);
    expect(held.time.length).toBeGreaterThan(1000);
  });

  it("adds up the heat of both seconds by band", () => {
    const long = seconds(0, MOST_POINTS + 1, () => 5);
    const before = new Map<number, number>();
    for (const cell of long.heat) {
      for (let at = 0; at < cell.length; at += 2) {
        before.set(cell[at] ?? 0, (before.get(cell[at] ?? 0) ?? 0) + (cell[at + 1] ?? 0));
      }
    }
    const after = new Map<number, number>();
    for (const cell of thinned(long).heat) {
      for (let at = 0; at < cell.length; at += 2) {
        after.set(cell[at] ?? 0, (after.get(cell[at] ?? 0) ?? 0) + (cell[at + 1] ?? 0));
      }
    }
    expect(after).toEqual(before);
  });

  it("weighs means by the time they stand for", () => {
    const long = seconds(0, MOST_POINTS + 1);
    const mean = (history: History) =>
      sum(history.users.mean.map((value, index) => (value ?? 0) * (history.span[index] ?? 0))) / sum(history.span);
    expect(mean(thinned(long))).toBeCloseTo(mean(long), 6);
  });
});
