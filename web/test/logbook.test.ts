import { describe, expect, it } from "vitest";
import { LogBook, levelOf, MOST_LINES } from "../src/api/logbook";
import type { LogsReply } from "../src/api/types";
import { filtered } from "../src/live/tabs/Logs";

const line = (number: number, level: LogsReply["lines"][number]["level"] = "INFO") => ({
  number,
  level,
  text: `line ${number}`,
});
const reply = (lines: LogsReply["lines"], workers: LogsReply["workers"] = {}): LogsReply => ({
  next: (lines.at(-1)?.number ?? -1) + 1,
  lines,
  workers,
});

describe("log lines", () => {
  it("are kept in order, each once, up to a limit", () => {
    const book = new LogBook();
    book.take(reply([line(0), line(1)]));
    book.take(reply([line(1), line(2)]));
    expect(book.lines.value.map(({ number }) => number)).toEqual([0, 1, 2]);
    expect(book.next).toBe(3);
    book.take(reply(Array.from({ length: MOST_LINES + 50 }, (_, index) => line(3 + index))));
    expect(book.lines.value.length).toBe(MOST_LINES);
    expect(book.lines.value.at(-1)?.number).toBe(MOST_LINES + 52);
  });

  it("begin anew with an engine that was started again", () => {
    const book = new LogBook();
    book.take(reply(Array.from({ length: 10 }, (_, index) => line(index))));
    book.markSeen();
    book.forget();
    expect(book.next).toBe(0);
    book.take(reply([line(0, "ERROR")]));
    expect(book.unseen.value).toBe(1);
    expect(book.lines.value.map(({ number }) => number)).toEqual([0]);
  });

  it("mark warnings that nobody has looked at", () => {
    const book = new LogBook();
    book.take(reply([line(0), line(1, "WARNING"), line(2, "ERROR")]));
    expect(book.unseen.value).toBe(2);
    book.markSeen();
    expect(book.unseen.value).toBe(0);
    book.take(reply([line(3), line(4, "CRITICAL")]));
    expect(book.unseen.value).toBe(1);
  });

  it("mark workers with new warnings", () => {
    const book = new LogBook();
    book.take(reply([], { w1: ["[t] box/INFO/x: fine"], w2: ["[t] box/WARNING/x: slow"] }));
    expect(book.unseenWorkers.value).toEqual(["w2"]);
    book.markWorkerSeen("w2");
    expect(book.unseenWorkers.value).toEqual([]);
    book.take(reply([], { w2: ["[t] box/WARNING/x: slow", "[t] box/ERROR/x: gone"] }));
    expect(book.unseenWorkers.value).toEqual(["w2"]);
  });

  it.each([
    ["[2026-05-04 14:03:59,120] box/WARNING/swarmer: x", "WARNING"],
    ["[2026-05-04 14:03:59,120] box/CRITICAL/swarmer: x", "CRITICAL"],
    ["2026 WARN other: x", "WARNING"],
    ["no level at all", "INFO"],
  ])("level of %s", (text, level) => expect(levelOf(text)).toBe(level));

  it("are filtered by level and words", () => {
    const lines = [line(1, "DEBUG"), line(2, "WARNING"), line(3, "ERROR")];
    expect(filtered(lines, "WARNING", "").map(({ number }) => number)).toEqual([2, 3]);
    expect(filtered(lines, "DEBUG", "LINE 3").map(({ number }) => number)).toEqual([3]);
  });
});
