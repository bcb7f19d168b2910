import { gzipSync } from "node:zlib";
import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PERCENTILES, type Record_ } from "../../src/api/types";
import { forgetKept } from "../../src/figures/settings";
import { ComparisonPage } from "../../src/report/ComparisonPage";
import { matters, settingsThatDiffer, tally } from "../../src/report/compare";
import { content } from "../../src/report/data";
import { Report } from "../../src/report/Report";
import { plain, suspectSeconds, verdict } from "../../src/report/verdict";
import { comparison } from "../fixtures/comparison";
import { emptyRecord, smallRecord, suspectRecord } from "../fixtures/make";
import { inScript, reportPage } from "../looks/pages";

beforeEach(() => {
  localStorage.clear();
  forgetKept();
});
afterEach(cleanup);

const small = smallRecord();
const said = (text: string) => text.replaceAll("\u202f", " ");

describe("the verdict", () => {
  test("tells what ran, how long, how many, how it failed, how fast, and whether to believe it", () => {
    expect(said(plain(verdict(small)))).toMatch(
      /^In 5 minutes up to 168 users sent 1\d\d \d{3} requests \(\d{3} per second\) to http:\/\/127\.0\.0\.1:8080\. 0\.\d+ % failed, 95 % were answered within [\d.]+ ms \([\d.]+ to [\d.]+\), and the generator was healthy throughout\.$/,
    );
  });

  describe("of a percentile", () => {
    const place = PERCENTILES.indexOf(0.95);
    const withInterval = (...ends: unknown[]) => {
      const percentiles = small.total.percentiles.map((value, at) => (at === place ? 12 : value));
      const intervals = small.total.intervals?.map((one, at) => (at === place ? ends : one)) as [number, number][];
      return { ...small, total: { ...small.total, percentiles, intervals } };
    };
    const sentence = (record: Record_) => said(plain(verdict(record)));

    test("tells where the true one lies, with a unit where it is another", () => {
      expect(sentence(withInterval(11.2, 12.9))).toContain("within 12.0 ms (11.2 to 12.9), and");
      expect(sentence(withInterval(0.98, 12.9))).toContain("within 12.0 ms (980 µs to 12.9 ms), and");
    });

    test("says when it has no upper bound", () => {
      expect(sentence(withInterval(11.2, null))).toContain("within 12.0 ms (at least 11.2 ms), and");
    });

    test("of records without intervals tells what their number does", () => {
      const { intervals: _, ...total } = { ...withInterval().total, requests: 71, untimed: 0 };
      const old = { ...small, total };
      expect(sentence(old)).toContain(
        "within 12.0 ms (71 requests are too few for the 95th percentile (72 are needed))",
      );
      expect(sentence({ ...small, total: { ...total, requests: 72 } })).toContain("within 12.0 ms, and");
    });

    test("believes no broken interval", () => {
      for (const ends of [[], ["11", "12"], [null, null]])
        expect(sentence(withInterval(...ends))).toContain("within 12.0 ms, and");
    });

    test("stands below the key figures, and marks those of too few requests", () => {
      const { total } = withInterval(11.2, 12.9);
      render(<Report record={{ ...small, total: { ...total, requests: 300, untimed: 0 } }} />);
      const key = document.querySelector(".rp-key") as HTMLElement;
      expect(said(within(key).getByText("p95").parentElement?.textContent ?? "")).toBe("p9512.0 ms11.2 to 12.9");
      expect(within(key).getByText("p95").parentElement?.querySelector(".fg-few")).toBeNull();
      expect(within(key).getByText("p99").parentElement?.querySelector(".fg-few")?.getAttribute("title")).toMatch(
        /^300 requests are too few for the 99th percentile/,
      );
    });
  });

  test("does not hide a sick generator", () => {
    expect(plain(verdict(suspectRecord()))).toContain("For 24 seconds the generator itself was overloaded");
    const unsound = { ...small, health: { ...small.health, sound: false } };
    expect(plain(verdict(unsound))).toContain("figures are suspect");
  });

  test("of a run without a request says just that", () => {
    expect(plain(verdict(emptyRecord()))).toBe("In 0 seconds no request was finished.");
  });

  test("seconds that are suspect twice count once", () => {
    expect(
      suspectSeconds([
        { from: 10, to: 20 },
        { from: 15, to: 30 },
        { from: 16, to: 18 },
        { from: 40, to: 41 },
      ]),
    ).toBe(21);
  });
});

describe("the data in the file", () => {
  const parsed = (inside: string) => new DOMParser().parseFromString(`<body>${inside}</body>`, "text/html");
  const element = (text: string, more = "") => `<script type="text/plain" id="swarmer-record" ${more}>${text}</script>`;

  test("is JSON, in which no text of a target ends the element", async () => {
    const hostile = { ...small, notes: ["</script><script>alert(1)</script>"] };
    const found = await content(parsed(element(inScript(hostile))));
    expect(found.kind === "record" && found.record.notes).toEqual(hostile.notes);
  });

  test("or gzip in Base64", async () => {
    const packed = gzipSync(JSON.stringify(small)).toString("base64");
    const found = await content(parsed(element(packed, 'data-encoding="gzip"')));
    expect(found.kind === "record" && found.record.total).toEqual(small.total);
  });

  test("missing or damaged, it becomes a sentence", async () => {
    const why = async (inside: string) => {
      const found = await content(parsed(inside));
      return found.kind === "nothing" ? found.why : found.kind;
    };
    expect(await why("")).toContain("--html FILE");
    expect(await why(element('{"rows": [}'))).toContain("damaged");
    expect(await why(element("{}"))).toContain("damaged");
    expect(await why(element("no base64!", 'data-encoding="gzip"'))).toContain("damaged");
  });

  test("2,000 names and 20,000 errors stay below 5 MB, a small run below 700 kB", () => {
    expect(reportPage("<!--boot-->", "large").length).toBeLessThan(4_500_000);
    expect(reportPage("<!--boot-->", "small").length).toBeLessThan(500_000);
  });
});

describe("the report", () => {
  test("has a section for everything the record has, and a way to each", () => {
    render(<Report record={small} tasks={{ per_class: { QuoteAgent: { ratio: 1 } }, total: {} }} />);
    const links = [...document.querySelectorAll("nav a")];
    const titles = [...document.querySelectorAll("h2")].map(({ textContent }) => textContent);
    expect(links.map(({ textContent }) => textContent)).toEqual(titles);
    expect(titles).toEqual([
      "Course",
      "Statistics",
      "User classes",
      "Journeys",
      "Groups",
      "Failures",
      "Slowest and failed requests",
      "Exceptions",
      "Metrics of the workload",
      "The generator",
      "What happened when",
      "Task ratios",
      "Settings and versions",
    ]);
    expect(screen.getByText("TLS certificates were not verified.")).toBeTruthy();
  });

  test("opens a row with its own charts, percentiles and samples", () => {
    render(<Report record={small} />);
    fireEvent.click(screen.getAllByText("3. Convert Quote", { selector: "button" })[0] as HTMLElement);
    const dialog = document.querySelector("dialog") as HTMLElement;
    expect(dialog.querySelector("h2")?.textContent).toBe("POST 3. Convert Quote");
    expect(dialog.querySelectorAll("figure")).toHaveLength(2);
    expect(within(dialog).getByText("Group A")).toBeTruthy();
  });

  test("of an empty run is short, not broken", () => {
    render(<Report record={emptyRecord()} />);
    expect(document.querySelector("h1")?.textContent).toContain("no request was finished");
    expect(screen.getByText("No request has failed.")).toBeTruthy();
  });

  test("does not tell what was not told", () => {
    render(<Report record={small} />);
    const name = screen.getByText("agent_password");
    expect(name.nextElementSibling?.textContent).toBe("not told");
  });
});

describe("a comparison", () => {
  const compared = comparison();

  test("counts what matters, and rows of one run only apart", () => {
    const found = tally(compared.rows);
    expect(found.worse).toBe(5);
    expect(found.only).toBe(1);
    expect(found.worse + found.better + found.same + found.only).toBe(compared.rows.length);
  });

  test("shows the options that differ", () => {
    expect(settingsThatDiffer(compared.a, compared.b)).toEqual([{ name: "users", a: "120", b: "130" }]);
  });

  test("marks differences in words too, and can show them alone", () => {
    render(<ComparisonPage comparison={compared} />);
    expect(document.querySelector("h1")?.textContent).toBe(compared.verdict);
    const rows = () => document.querySelectorAll("tr").length;
    expect(rows()).toBe(compared.rows.length + 2);
    fireEvent.click(screen.getByLabelText("Only what matters"));
    expect(rows()).toBe(compared.rows.filter(matters).length + 2);
    expect(screen.getAllByLabelText("worse").length).toBeGreaterThan(0);
  });
});
