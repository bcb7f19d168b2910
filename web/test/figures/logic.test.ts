import { describe, expect, test } from "vitest";
import { axisTime, millis, percent, signed, stretch, words } from "../../src/figures/format";
import { difference, pairs, relative, segmentNames, timeOf } from "../../src/figures/groups";
import { ends, stages } from "../../src/figures/journeys";
import { traceLink } from "../../src/figures/links";
import { START, smallRecord, suspectRecord } from "../fixtures/make";

describe("figures as people read them", () => {
  test("differences carry their sign, and none is none", () => {
    expect(signed(3, millis)).toBe("+3.00");
    expect(signed(-120, millis)).toBe("−120");
    expect(signed(0, millis)).toBe("±0");
    expect(signed(0.00001, percent)).toBe("≈0");
    expect(signed(null, millis)).toBe("–");
  });

  test("a duration in words has two units at most", () => {
    expect(words(0)).toBe("0 seconds");
    expect(words(61)).toBe("1 minute and 1 second");
    expect(words(7200)).toBe("2 hours");
    expect(words(90_061)).toBe("1 day and 1 hour");
  });

  test("an axis has no useless zeros", () => {
    expect(axisTime(10)).toMatch(/^10\sms$/);
    expect(axisTime(1000)).toMatch(/^1\ss$/);
    expect(axisTime(1500)).toMatch(/^1\.5\ss$/);
  });

  test("a stretch over midnight tells its days", () => {
    expect(stretch(START, START + 10)).toMatch(/^\d\d:\d\d:\d\d–\d\d:\d\d:\d\d$/);
    expect(stretch(START, START + 86_400)).toMatch(/^\d{4}-.* – \d{4}-/);
  });
});

describe("a link to a trace", () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";

  test("is the template with the id in its place, as often as it occurs", () => {
    expect(traceLink("https://apm/{trace}?q={trace}", trace)).toBe(`https://apm/${trace}?q=${trace}`);
  });

  test("is none without a trace, a place for it, or a web address", () => {
    for (const template of [
      null,
      "",
      "https://apm/",
      "javascript:alert('{trace}')",
      "data:text/html,{trace}",
      "{trace}",
    ])
      expect(traceLink(template, trace)).toBeNull();
    expect(traceLink("https://apm/{trace}", "")).toBeNull();
  });

  test("cannot be led astray by the id", () => {
    expect(traceLink("https://apm/{trace}", "../../evil?x=1#y")).toBe("https://apm/..%2F..%2Fevil%3Fx%3D1%23y");
  });
});

describe("journeys", () => {
  const [create, convert] = smallRecord().funnels;

  test("the last step loses nobody: there runs are meant to end", () => {
    const all = create ? stages(create) : [];
    expect(all.map(({ reached }) => Number(reached.toFixed(2)))).toEqual([1, 0.99, 0.98]);
    expect(all.at(-1)?.lost).toBeNull();
    expect(all[0]?.lost).toBeCloseTo(0.01, 2);
  });

  test("ends stand in one order for all, and their shares are all there is", () => {
    const all = convert ? ends({ ...convert, ends: [...convert.ends].reverse() }) : [];
    expect(all.map(({ outcome }) => outcome)).toEqual(["finished", "none found", "lost a race", "failed", "cut off"]);
    expect(all.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });

  test("steps of journeys under way may be ahead of those that ended", () => {
    expect(create && stages({ ...create, runs: 1 })[0]?.reached).toBe(1);
  });
});

describe("groups", () => {
  const { rows } = suspectRecord();

  test("are found by name, and rows without them are left out", () => {
    expect(segmentNames(rows)).toEqual(["gold", "silver", "trial"]);
    expect(pairs(rows, "gold", "none")).toHaveLength(rows.length);
    expect(pairs(rows, "none", "neither")).toHaveLength(0);
  });

  test("differ by what B is more than A", () => {
    const [pair] = pairs(rows, "gold", "trial");
    const [a, b] = [timeOf(pair?.a ?? null, 0.95), timeOf(pair?.b ?? null, 0.95)];
    expect(difference(a, b)).toBeCloseTo(Number(b) - Number(a), 9);
    expect(difference(a, null)).toBeNull();
    expect(relative(0, 5)).toBeNull();
    expect(relative(4, 5)).toBe(0.25);
  });
});
