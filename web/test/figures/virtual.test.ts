import { describe, expect, test } from "vitest";
import { sight } from "../../src/figures/virtual";

const view = { count: 20_000, rowHeight: 30, scrollTop: 0, height: 600, spare: 5 };

describe("the rows in sight", () => {
  test("are few, however many there are", () => {
    const top = sight(view);
    expect(top).toEqual({ first: 0, end: 26, above: 0, below: (20_000 - 26) * 30 });
    const middle = sight({ ...view, scrollTop: 300_000 });
    expect(middle.first).toBe(10_000 - 5);
    expect(middle.end - middle.first).toBeLessThanOrEqual(32);
  });

  test("what is left out keeps its height, wherever the reader is", () => {
    for (const scrollTop of [0, 17, 29_999, 300_000, 599_400, 9e9]) {
      const { first, end, above, below } = sight({ ...view, scrollTop });
      expect(above + (end - first) * 30 + below).toBe(600_000);
    }
  });

  test("the end of the table is reached", () => {
    expect(sight({ ...view, scrollTop: 600_000 - 600 })).toMatchObject({ end: 20_000, below: 0 });
  });

  test("unfolded details push what follows down", () => {
    const extras = [
      { index: 3, height: 200 },
      { index: 100, height: 50 },
    ];
    const inDetail = sight({ ...view, spare: 0, scrollTop: 4 * 30 + 100, height: 30, extras });
    expect(inDetail.first).toBe(3);
    const after = sight({ ...view, spare: 0, scrollTop: 50 * 30 + 200, height: 60, extras });
    expect(after).toMatchObject({ first: 50, above: 50 * 30 + 200 });
    expect(after.above + (after.end - after.first) * 30 + after.below).toBe(600_250);
  });

  test("a table shorter than its box is shown whole", () => {
    expect(sight({ ...view, count: 3 })).toEqual({ first: 0, end: 3, above: 0, below: 0 });
  });
});
