import { describe, expect, it } from "vitest";
import * as format from "../src/look/format";

/** Narrow spaces as plain ones, to keep the table below readable. */
const plain = (text: string) => text.replaceAll("\u202f", " ");

describe("figures as text", () => {
  it.each([
    [0, "0"],
    [7, "7"],
    [1234567, "1 234 567"],
    [-1234, "−1 234"],
    [null, "–"],
    [Number.NaN, "–"],
  ])("count %s", (value, text) => expect(plain(format.count(value))).toBe(text));

  it.each([
    [0, "0"],
    [12.34, "12.3"],
    [9999, "9 999"],
    [10_000, "10 k"],
    [34_499, "34 k"],
    [999_499, "999 k"],
    [999_500, "1.0 M"],
    [5_640_000, "5.6 M"],
    [2_000_000_000, "2.0 G"],
  ])("shortCount %s", (value, text) => expect(plain(format.shortCount(value))).toBe(text));

  it.each([
    [0, "0"],
    [0.042, "0.04"],
    [0.999, "1.0"],
    [3.21, "3.2"],
    [99.97, "100"],
    [12345.6, "12 346"],
  ])("rate %s", (value, text) => expect(plain(format.rate(value))).toBe(text));

  it.each([
    [0, "0 ms"],
    [0.0834, "83 µs"],
    [0.9996, "1.00 ms"],
    [12.34, "12.3 ms"],
    [999.4, "999 ms"],
    [999.6, "1.00 s"],
    [2150, "2.15 s"],
    [42_000, "42.0 s"],
    [59_960, "1 min"],
    [200_000, "3 min 20 s"],
    [null, "–"],
  ])("time %s", (value, text) => expect(plain(format.time(value))).toBe(text));

  it.each([
    [0, "0 %"],
    [0.00001, "< 0.01 %"],
    [0.0002, "0.02 %"],
    [0.034, "3.4 %"],
    [0.99999, "> 99.9 %"],
    [1, "100 %"],
  ])("percent %s", (value, text) => expect(plain(format.percent(value))).toBe(text));

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1434, "1.4 KiB"],
    [24_117_248, "23 MiB"],
    [5e12, "4.5 TiB"],
  ])("bytes %s", (value, text) => expect(plain(format.bytes(value)).replace("1 023", "1023")).toBe(text));

  it.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [200, "3 min 20 s"],
    [7500, "2 h 05 min"],
    [3599.7, "1 h"],
    [3602, "1 h"],
    [605, "10 min 05 s"],
    [97_200, "1 d 3 h"],
  ])("span %s", (value, text) => expect(plain(format.span(value))).toBe(text));

  it.each([
    [7, "0:07"],
    [754, "12:34"],
    [11_109, "3:05:09"],
    [-3, "0:00"],
  ])("clock %s", (value, text) => expect(format.clock(value)).toBe(text));

  it("names percentiles", () => {
    expect([0.5, 0.95, 0.999, 0.9999, 1].map(format.percentileName)).toEqual(["p50", "p95", "p99.9", "p99.99", "max"]);
  });

  it("writes moments in local time", () => {
    const at = new Date(2026, 4, 3, 14, 5, 9).getTime() / 1000;
    expect(format.moment(at)).toBe("2026-05-03 14:05:09");
    expect(format.timeOfDay(at)).toBe("14:05:09");
  });
});
