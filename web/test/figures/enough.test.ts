import { describe, expect, test } from "vitest";
import { PERCENTILES } from "../../src/api/types";
import { needed, rowTooFew, tooFew } from "../../src/figures/enough";

const said = (text: string | undefined) => text?.replaceAll("\u202f", " ");

describe("how many requests tell a percentile", () => {
  test("the least number is the first with which all of them stay below it in 2.5 % of cases at most", () => {
    for (const p of PERCENTILES.filter((p) => p < 1)) {
      expect(p ** needed(p), `${needed(p)} for ${p}`).toBeLessThanOrEqual(0.025);
      expect(p ** (needed(p) - 1), `one less for ${p}`).toBeGreaterThan(0.025);
    }
    expect([0.5, 0.95, 0.99, 0.999, 0.9999].map(needed)).toEqual([6, 72, 368, 3688, 36887]);
  });

  test("the reason tells how many there are and how many it takes", () => {
    expect(said(tooFew(400, 0.999))).toBe("400 requests are too few for the 99.9th percentile (3 688 are needed)");
    expect(said(tooFew(1, 0.5))).toBe("1 request is too few for the median (6 are needed)");
    expect(tooFew(3687, 0.999)).toBeDefined();
    expect(tooFew(3688, 0.999)).toBeUndefined();
  });

  test("none at all have no percentile to doubt, and one is enough for the greatest", () => {
    expect(tooFew(0, 0.95)).toBeUndefined();
    expect(tooFew(1, 1)).toBeUndefined();
  });

  test("only requests whose time was taken count, and runs are called runs", () => {
    expect(rowTooFew({ kind: "request", requests: 80, untimed: 8 }, 0.95)).toBeUndefined();
    expect(said(rowTooFew({ kind: "request", requests: 80, untimed: 9 }, 0.95))).toMatch(/^71 requests are/);
    expect(said(rowTooFew({ kind: "journey", requests: 3, untimed: 0 }, 0.95))).toMatch(/^3 runs are/);
  });
});
