import { describe, expect, test } from "vitest";
import { bandStart } from "../../src/api/types";
import { heatColour } from "../../src/figures/heat/colours";
import { cellAt, cellText, heatGrid, stepFor, strength } from "../../src/figures/heat/grid";
import { bandOf, dayRecord, emptyHistory, START, smallRecord } from "../fixtures/make";

const all = (counts: Float64Array) => counts.reduce((sum, value) => sum + value, 0);
const told = (heat: number[][]) => heat.flat().reduce((sum, value, at) => (at % 2 ? sum + value : sum), 0);

describe("the grid of the heat map", () => {
  test("columns are steps that a clock knows", () => {
    expect(stepFor(300, 200)).toBe(2);
    expect(stepFor(86_400, 200)).toBe(600);
    expect(stepFor(5, 200)).toBe(1);
  });

  for (const [name, record] of [
    ["a short run", smallRecord()],
    ["a day in thinned points", dayRecord()],
  ] as const)
    test(`counts each request once: ${name}`, () => {
      const { history } = record;
      for (const columns of [7, 60, 400]) {
        const grid = heatGrid(history, record.start, record.at, columns);
        expect(grid?.columns).toBeLessThanOrEqual(columns + 1);
        expect(all(grid?.counts ?? new Float64Array())).toBeCloseTo(told(history.heat), 3);
      }
    });

  test("a point longer than a column gives each its share", () => {
    const history = { ...emptyHistory(), time: [START], span: [4], heat: [[100, 8]] };
    const grid = heatGrid(history, START, START + 4, 4);
    expect(grid?.step).toBe(1);
    expect(cellAt(grid as NonNullable<typeof grid>, START + 2.5, bandStart(100))?.count).toBe(2);
  });

  test("nothing recorded is no grid", () => {
    expect(heatGrid(emptyHistory(), 0, 10, 10)).toBeNull();
  });
});

describe("reading a cell", () => {
  const band = bandOf(45);
  const history = {
    ...emptyHistory(),
    time: Array.from({ length: 10 }, (_, at) => START + at),
    span: new Array(10).fill(1),
    heat: Array.from({ length: 10 }, () => [band - 4, 970, band, 30]),
  };
  const grid = heatGrid(history, START, START + 10, 1);

  test("tells when, how long, how many and how much of all", () => {
    const cell = grid && cellAt(grid, START + 3, 45);
    expect(cell).toMatchObject({ count: 300, share: 0.03, low: bandStart(band), high: bandStart(band + 1) });
    const text = cell ? cellText(cell) : "";
    expect(text).toMatch(/^\d\d:\d\d:\d\d–\d\d:\d\d:\d\d, [\d.]+–[\d.]+\sms: 300 requests \(3\.0\s%\)$/);
  });

  test("outside there is none", () => {
    expect(grid && cellAt(grid, START - 5, 45)).toBeNull();
    expect(grid && cellAt(grid, START + 3, 1e9)).toBeNull();
  });
});

describe("its colours", () => {
  const lightness = (rgb: string) => {
    const [r = 0, g = 0, b = 0] = (rgb.match(/\d+/g) ?? []).map(Number);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  test("go one way in lightness, on either ground", () => {
    for (const dark of [false, true]) {
      const steps = Array.from({ length: 33 }, (_, at) => lightness(heatColour(at / 32, dark)));
      const signs = steps.slice(1).map((value, at) => Math.sign(value - (steps[at] ?? 0)));
      expect(new Set(signs)).toEqual(new Set([dark ? 1 : -1]));
    }
  });

  test("one slow request is seen beside a million", () => {
    expect(strength(1, 1_000_000)).toBeGreaterThan(0.04);
    expect(strength(0, 10)).toBe(0);
    expect(strength(10, 10)).toBe(1);
  });
});
