import { describe, expect, test } from "vitest";
import { extent, percentileLines, stacked, throughputLines, userLines } from "../../src/figures/chart/lines";
import { marksNear, suspectAt } from "../../src/figures/chart/overlay";
import { dataOf, logSplits, placesOf } from "../../src/figures/chart/plot";
import { pointAt, scaled, timeRange } from "../../src/figures/chart/zoom";
import { dayRecord, START, smallRecord, suspectRecord } from "../fixtures/make";

const small = smallRecord();
const day = dayRecord();

describe("what a chart is fed", () => {
  test("are the engine's own columns, not copies", () => {
    const lines = throughputLines(small.history);
    const data = dataOf(small.history, lines);
    expect(data[0]).toBe(small.history.time);
    expect(data[1]).toBe(small.history.rate.mean);
    expect(data).toHaveLength(3);
  });

  test("thinned points bring the envelope of their seconds", () => {
    const lines = throughputLines(day.history);
    const data = dataOf(day.history, lines);
    expect(data.slice(2, 4)).toEqual([day.history.rate.min, day.history.rate.max]);
    expect(placesOf(lines, day.history)).toEqual([
      { line: 1, envelope: true },
      { line: 4, envelope: true },
    ]);
  });

  test("the peak of a thinned course is that of its worst second", () => {
    const [p50] = percentileLines(day.history);
    const found = p50 && extent(p50, day.history);
    expect(found?.peak).toBe(Math.max(...day.history.p50.max.map(Number)));
    expect(found?.peak).toBeGreaterThan(Math.max(...day.history.p50.mean.map(Number)));
  });
});

describe("users by class", () => {
  test("are stacked into buffers that are used again", () => {
    const buffers: (number | null)[][] = [];
    const first = stacked(
      [
        [1, 2, null],
        [3, null, null],
      ],
      3,
      buffers,
    );
    expect(first).toEqual([
      [4, 2, null],
      [3, null, null],
    ]);
    expect(
      stacked(
        [
          [1, 1, 1],
          [1, 1, 1],
        ],
        3,
        buffers,
      )[0],
    ).toBe(first[0]);
  });

  test("hidden classes close up, and the values told stay their own", () => {
    const every = userLines(small.history, new Set(), []);
    const some = userLines(small.history, new Set(["PolicyAgent"]), []);
    const at = small.history.time.length - 1;
    const top = (lines: typeof every) => lines[0]?.place?.[at] ?? 0;
    expect(top(every) - top(some)).toBeCloseTo(Number(small.history.class_users.PolicyAgent?.[at]), 6);
    expect(some[0]?.values).toBe(small.history.class_users.QuoteAgent);
  });

  test("many classes become one area beyond the seventh", () => {
    const class_users = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`C${n}`, [n, n]]));
    const lines = userLines({ ...small.history, time: [0, 1], class_users }, new Set(), []);
    expect(lines.map(({ label }) => label)).toEqual([
      ...Array.from({ length: 7 }, (_, n) => `C${n}`),
      "13 further classes",
      "Planned",
    ]);
    expect(lines[7]?.values).toEqual([169, 169]);
  });
});

describe("the stretch of time shown", () => {
  test("is the whole run, its newest seconds, or what was brushed", () => {
    const { time, span } = small.history;
    expect(timeRange(null, time, span)).toEqual([START, START + 300]);
    expect(timeRange({ last: 60 }, time, span)).toEqual([START + 240, START + 300]);
    expect(timeRange({ from: 3, to: 9 }, time, span)).toEqual([3, 9]);
    expect(timeRange(null, [START], [1])).toEqual([START, START + 10]);
  });

  test("zooming out ends at the whole run", () => {
    expect(scaled([40, 60], 0.5, [0, 100])).toEqual({ from: 45, to: 55 });
    expect(scaled([20, 80], 2, [0, 100])).toBeNull();
  });

  test("a moment belongs to the point that began before it", () => {
    expect(pointAt([10, 14, 18], 9)).toBe(-1);
    expect(pointAt([10, 14, 18], 13.9)).toBe(0);
    expect(pointAt([10, 14, 18], 99)).toBe(2);
  });
});

test("marks and suspect stretches are found where the pointer is", () => {
  const record = suspectRecord();
  expect(marksNear(record.marks, START + 160, START + 170).map(({ kind }) => kind)).toEqual(["plan"]);
  expect(suspectAt(record.health.suspect, START + 190)?.reason).toContain("CPU");
  expect(suspectAt(record.health.suspect, START + 20)).toBeUndefined();
});

test("labels of a logarithmic axis are round and few", () => {
  expect(logSplits(2, 60)).toEqual([2, 5, 10, 20, 50]);
  expect(logSplits(0.5, 9000)).toEqual([1, 10, 100, 1000]);
});
