import { describe, expect, test } from "vitest";
import { byJourney, matching, nextOrder, sorted } from "../../src/figures/order";
import { largeRecord, smallRecord } from "../fixtures/make";

describe("the order of rows", () => {
  test("a header goes ascending, descending, off, and another header starts anew", () => {
    const first = nextOrder(null, "name");
    expect(first).toEqual({ column: "name", direction: "ascending" });
    const second = nextOrder(first, "name");
    expect(second).toEqual({ column: "name", direction: "descending" });
    expect(nextOrder(second, "name")).toBeNull();
    expect(nextOrder(second, "rps")).toEqual({ column: "rps", direction: "ascending" });
  });

  test("numbers in names count as numbers", () => {
    expect(sorted(["10. Bind", "2. Quote", "1. Rate"], (name) => name, "ascending")).toEqual([
      "1. Rate",
      "2. Quote",
      "10. Bind",
    ]);
  });

  test("rows without a value come last either way, and equal rows keep their order", () => {
    const rows = [
      { id: "a", value: 2 },
      { id: "b", value: null },
      { id: "c", value: 1 },
      { id: "d", value: 2 },
    ];
    const ids = (direction: "ascending" | "descending") =>
      sorted(rows, (row) => row.value, direction)
        .map(({ id }) => id)
        .join("");
    expect(ids("ascending")).toBe("cadb");
    expect(ids("descending")).toBe("adcb");
  });

  test("a sort reads each value once, however long the table", () => {
    let reads = 0;
    const { rows } = largeRecord();
    const result = sorted(
      rows,
      (row) => {
        reads += 1;
        return row.median;
      },
      "descending",
    );
    expect(reads).toBe(rows.length);
    expect(result[0]?.median).toBe(Math.max(...rows.map(({ median }) => median)));
  });
});

test("every word of a search must occur, in any order and case", () => {
  const rows = ["GET /api/Quotes", "POST /api/quotes", "GET /health"];
  expect(matching(rows, "quotes get", (row) => row)).toEqual(["GET /api/Quotes"]);
  expect(matching(rows, "  ", (row) => row)).toBe(rows);
});

describe("rows by journey", () => {
  const { rows, funnels } = smallRecord();
  const groups = byJourney(rows, funnels);

  test("each task has its own row at the head and its requests in the order of its steps", () => {
    const convert = groups.find(({ label }) => label.startsWith("Convert Quote"));
    expect(convert?.head?.kind).toBe("journey");
    expect(convert?.rows.map(({ name }) => name)).toEqual([
      "1. List Open Quotes",
      "2. Read Quote",
      "3. Convert Quote",
      "4. Read Policy",
    ]);
  });

  test("nothing is lost: what no journey sends stands last", () => {
    expect(groups.at(-1)?.label).toBe("Outside of journeys");
    const shown = new Set(groups.flatMap(({ head, rows }) => (head ? [head, ...rows] : rows)));
    expect(shown.size).toBe(rows.length);
  });
});
