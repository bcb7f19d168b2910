import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MetricRow, Row } from "../../src/api/types";
import {
  Charts,
  Exceptions,
  Failures,
  Groups,
  HealthPanel,
  Journeys,
  Metrics,
  Samples,
  StatsTable,
} from "../../src/figures";
import { forgetKept } from "../../src/figures/settings";
import { dayRecord, emptyRecord, largeRecord, smallRecord, suspectRecord } from "../fixtures/make";

beforeEach(() => {
  localStorage.clear();
  forgetKept();
});
afterEach(cleanup);

const small = smallRecord();
const large = largeRecord();

// Plain selectors: to compute the role of each of some thousand cells takes seconds.
const table = () => document.querySelector("table") as HTMLElement;
const headers = () => [...document.querySelectorAll("thead th")].map((header) => header.textContent?.trim());
const headerOf = (label: string) =>
  [...document.querySelectorAll("thead th")].find((header) => header.textContent?.trim() === label) as HTMLElement;
const bodyRows = (table: HTMLElement) => [...table.querySelectorAll<HTMLElement>("tbody tr, tfoot tr")];
const column = (table: HTMLElement, at: number) =>
  bodyRows(table).map((row) => row.querySelectorAll("td")[at]?.textContent);

describe("the statistics table", () => {
  test("begins with Locust's columns, and its last row is the total", () => {
    render(<StatsTable rows={small.rows} total={small.total} />);
    expect(headers()).toEqual([
      "Type",
      "Name",
      "# Requests",
      "# Fails",
      "Median",
      "95%ile",
      "99%ile",
      "Average",
      "Min",
      "Max",
      "Average size (bytes)",
      "Current RPS",
      "Current Failures/s",
    ]);
    expect(column(table(), 1).at(-1)).toBe("Aggregated");
  });

  test("a header sorts up, down and not at all, and says so; the total stays last", () => {
    render(<StatsTable rows={small.rows} total={small.total} />);
    const before = column(table(), 1);
    const header = () => headerOf("Median");
    const sort = () => fireEvent.click(header().querySelector("button") as HTMLElement);
    sort();
    expect(header().getAttribute("aria-sort")).toBe("ascending");
    const medians = small.rows.map(({ median }) => median).sort((a, b) => a - b);
    const first = small.rows.find(({ median }) => median === medians[0]) as Row;
    expect(column(table(), 1)[0]).toContain(first.name);
    sort();
    expect(header().getAttribute("aria-sort")).toBe("descending");
    expect(column(table(), 1)[0]).toContain("Create Quote");
    expect(column(table(), 1).at(-1)).toBe("Aggregated");
    sort();
    expect(header().getAttribute("aria-sort")).toBe("none");
    expect(column(table(), 1)).toEqual(before);
  });

  test("2,000 names are a few dozen rows on the page, and a screen reader hears how many there are", () => {
    render(<StatsTable rows={large.rows} total={large.total} />);
    expect(bodyRows(table()).length).toBeLessThan(60);
    expect(table().getAttribute("aria-rowcount")).toBe(String(large.rows.length + 2));
  });

  test("columns are chosen, and the choice is kept", () => {
    const first = render(<StatsTable rows={small.rows} total={small.total} />);
    fireEvent.click(screen.getByLabelText("99.9%ile"));
    fireEvent.click(screen.getByLabelText("Average"));
    expect(headers()).toContain("99.9%ile");
    expect(headers()).not.toContain("Average");
    first.unmount();
    forgetKept();
    render(<StatsTable rows={small.rows} total={small.total} />);
    expect(headers()).toContain("99.9%ile");
    fireEvent.click(screen.getByText("As at first"));
    expect(headers()).toContain("Average");
  });

  test("what storage holds from elsewhere does no harm", () => {
    localStorage.setItem("swarmer.figures.stats.live.columns", '{"not":"a list"}');
    localStorage.setItem("swarmer.figures.stats.live.order", "broken");
    render(<StatsTable rows={small.rows} total={small.total} />);
    expect(headers()).toContain("Median");
  });

  test("search narrows, grouping by journey puts each request under its task", () => {
    render(<StatsTable rows={small.rows} total={small.total} funnels={small.funnels} />);
    fireEvent.input(screen.getByRole("searchbox"), { target: { value: "read policy" } });
    expect(bodyRows(table())).toHaveLength(3);
    fireEvent.input(screen.getByRole("searchbox"), { target: { value: "" } });
    fireEvent.click(screen.getByLabelText("Group by journey"));
    const names = column(table(), 1);
    const at = names.indexOf("Renew Policy · PolicyAgent");
    expect(names.slice(at + 1, at + 4)).toEqual(["1. List Expiring Policies", "2. Read Policy", "3. Renew Policy"]);
  });

  test("a name opens its row; the total opens nothing", () => {
    const opened: string[] = [];
    render(<StatsTable rows={small.rows} total={small.total} onOpen={(row) => opened.push(row.name)} />);
    fireEvent.click(screen.getByText("3. Convert Quote"));
    expect(opened).toEqual(["3. Convert Quote"]);
    expect(screen.getByText("Aggregated").closest("button")).toBeNull();
  });
});

describe("a percentile of too few requests", () => {
  const row = small.rows.find(({ requests, untimed }) => requests - untimed < 72) as Row;
  const marks = () => [...document.querySelectorAll("td .fg-few")].map((mark) => mark.getAttribute("title") ?? "");

  test("is marked, in words for those who cannot see it, and a line below the table tells why", () => {
    render(<StatsTable rows={[row]} total={small.total} />);
    expect(marks().length).toBeGreaterThan(1);
    for (const title of marks()) expect(title).toMatch(new RegExp(`^${row.requests} requests are too few for the `));
    expect(screen.getAllByText(`(${marks()[0]})`, { exact: false })[0]?.classList.contains("unseen")).toBe(true);
    expect(document.querySelectorAll(".fg-few-note")).toHaveLength(1);
  });

  test("stands nowhere else: no mark, no line", () => {
    render(<StatsTable rows={small.rows.filter(({ requests }) => requests > 1000)} total={small.total} />);
    expect(marks()).toEqual([]);
    expect(document.querySelector(".fg-few-note")).toBeNull();
  });

  test("is marked in groups, journeys and metrics too", () => {
    render(<Groups rows={[row]} total={small.total} />);
    expect(marks().length).toBeGreaterThan(0);
    cleanup();
    const [funnel] = small.funnels;
    if (!funnel) throw new Error("no funnel");
    render(<Journeys funnels={[{ ...funnel, duration: { ...funnel.duration, count: 10 } }]} />);
    expect(document.querySelectorAll(".fg-facts .fg-few")).toHaveLength(1);
    expect(document.querySelectorAll(".fg-few-note")).toHaveLength(1);
    cleanup();
    render(
      <Metrics metrics={[{ ...small.metrics?.find(({ type }) => type === "timing"), samples: 20 } as MetricRow]} />,
    );
    expect(marks().map((title) => title.replaceAll("\u202f", " "))).toEqual([
      "20 samples are too few for the 95th percentile (72 are needed)",
      "20 samples are too few for the 99th percentile (368 are needed)",
    ]);
  });
});

describe("on paper", () => {
  afterEach(() => {
    window.dispatchEvent(new Event("afterprint"));
  });

  test("tables are whole, up to what a browser can print, and say what they leave out", async () => {
    render(
      <>
        <StatsTable rows={large.rows} total={large.total} />
        <Failures errors={large.errors} />
      </>,
    );
    window.dispatchEvent(new Event("beforeprint"));
    await Promise.resolve();
    const [stats, failures] = document.querySelectorAll("table");
    expect(bodyRows(stats as HTMLElement)).toHaveLength(large.rows.length + 1);
    expect(bodyRows(failures as HTMLElement)).toHaveLength(2501);
    expect(failures?.textContent).toMatch(/And 17\u202f500 further rows/);
    expect(document.documentElement.getAttribute("data-theme")).toBe("light");
  });

  test("a head has no controls, with which browsers would not repeat it on the next page", async () => {
    render(<StatsTable rows={small.rows} total={small.total} />);
    const before = headers();
    expect(table().querySelectorAll("thead button")).toHaveLength(before.length);
    window.dispatchEvent(new Event("beforeprint"));
    await Promise.resolve();
    expect(headers()).toEqual(before);
    expect(table().querySelector("thead button")).toBeNull();
  });
});

describe("text of a target", () => {
  const hostile = '<img src=x onerror="alert(1)"><script>alert(1)</script>';

  test("is text, wherever it stands", () => {
    const row = { ...(small.rows[0] as Row), name: hostile };
    const { container } = render(
      <>
        <StatsTable rows={[row]} total={small.total} onOpen={() => {}} />
        <Failures
          errors={[
            {
              kind: "request",
              method: "GET",
              name: hostile,
              error: hostile,
              occurrences: 1,
              first_seen: 1,
              last_seen: 2,
            },
          ]}
        />
        <Exceptions
          exceptions={[{ scenario: hostile, message: hostile, detail: hostile, count: 1, nodes: [hostile] }]}
        />
        <Charts history={small.history} marks={[{ at: small.start, kind: "target", text: hostile }]} />
      </>,
    );
    expect(container.querySelector("img, script")).toBeNull();
    expect(container.textContent).toContain(hostile);
  });
});

describe("failures and exceptions", () => {
  test("20,000 distinct errors stay a few rows on the page, and are searched", () => {
    render(<Failures errors={large.errors} folded={{ ...large.folded, errors: 7, error_occurrences: 30 }} />);
    expect(bodyRows(table()).length).toBeLessThan(60);
    expect(screen.getByText(/7 further distinct errors/)).toBeTruthy();
    fireEvent.input(screen.getByRole("searchbox"), { target: { value: "html upload" } });
    expect(screen.getByRole("status").textContent).toMatch(/^[\d\s\u202f]+ of 20\u202f000$/);
    expect(column(table(), 3)[0]).toContain("Upload");
  });

  test("a traceback unfolds", () => {
    render(<Exceptions exceptions={small.exceptions} />);
    const fold = screen.getByRole("button", { name: "Details" });
    expect(fold.getAttribute("aria-expanded")).toBe("false");
    fireEvent.click(fold);
    expect(fold.getAttribute("aria-expanded")).toBe("true");
    expect(screen.getByText(/Traceback \(most recent call last\)/)).toBeTruthy();
  });
});

describe("samples", () => {
  test("link to their traces, without handing on where the reader came from", () => {
    render(<Samples exemplars={small.exemplars.slice(0, 4)} traceUrl="https://apm.example.com/t/{trace}" />);
    const link = screen.getAllByRole("link")[0] as HTMLAnchorElement;
    expect(link.href).toMatch(/^https:\/\/apm\.example\.com\/t\/[0-9a-f]{32}$/);
    expect(link.rel).toContain("noopener");
  });

  test("a template that is no web address makes no link", () => {
    render(<Samples exemplars={small.exemplars.slice(0, 4)} traceUrl="javascript:alert('{trace}')" />);
    expect(screen.queryByRole("link")).toBeNull();
  });

  test("are told apart by why they were kept", () => {
    render(<Samples exemplars={small.exemplars} />);
    fireEvent.click(screen.getByRole("button", { name: /^Failed/ }));
    expect(new Set(column(table(), 1))).toEqual(new Set(["failed"]));
  });
});

test("journeys tell how far runs came and how they ended", () => {
  render(<Journeys funnels={small.funnels} />);
  const card = screen.getByRole("article", { name: /Convert Quote to Policy/ });
  const ends = within(card).getByRole("list", { name: "How runs ended" });
  expect(
    within(ends)
      .getAllByRole("listitem")
      .map((item) => item.textContent?.replace(/[\d\s\u202f.%]+$/, "")),
  ).toEqual(["finished", "none found", "lost a race", "failed", "cut off"]);
  fireEvent.click(screen.getByRole("button", { name: "ClaimsAgent" }));
  expect(screen.getAllByRole("article")).toHaveLength(1);
});

describe("groups", () => {
  test("more than two are chosen from, two are simply shown", () => {
    const record = suspectRecord();
    render(<Groups rows={record.rows} total={record.total} />);
    expect(headers()).toContain("p95 gold");
    fireEvent.change(screen.getByLabelText("Second"), { target: { value: "trial" } });
    expect(headers()).toContain("p95 trial");
    expect(headers()).not.toContain("p95 silver");
    cleanup();
    render(<Groups rows={small.rows} total={small.total} />);
    expect(screen.queryByLabelText("Second")).toBeNull();
  });

  test("without groups the page says so", () => {
    render(<Groups rows={[]} total={emptyRecord().total} />);
    expect(screen.getByText(/belong to no group/)).toBeTruthy();
  });
});

describe("charts without a canvas", () => {
  test("are still told in words and as tables", () => {
    const { history, marks, health } = dayRecord();
    render(<Charts history={history} marks={marks} health={health} />);
    expect(screen.getAllByRole("figure")).toHaveLength(4);
    expect(screen.getByText(/requests\/s in the mean, at most/)).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Table of Throughput" }));
    expect(table().getAttribute("aria-rowcount")).toBe(String(history.time.length + 1));
  });

  test("lines are switched off and on by name", () => {
    render(<Charts history={small.history} />);
    const p90 = () => screen.getByRole("button", { name: "p90" });
    expect(p90().getAttribute("aria-pressed")).toBe("true");
    fireEvent.click(p90());
    expect(p90().getAttribute("aria-pressed")).toBe("false");
    expect(screen.getByRole("button", { name: "max" }).getAttribute("aria-pressed")).toBe("false");
  });
});

test("the generator's health comes with words that say what to do", () => {
  render(<HealthPanel health={suspectRecord().health} />);
  expect(screen.getByText(/CPU of driver 1 saturated from/)).toBeTruthy();
  expect(screen.getByText(/What helps: lower --users or add workers/)).toBeTruthy();
});

test("metrics of different types share a table, each with its own figures", () => {
  render(<Metrics metrics={small.metrics ?? []} />);
  expect(headers()).toContain("Per second");
  const gauge = screen.getByText("open quotes").closest("tr") as HTMLElement;
  expect(
    within(gauge)
      .getAllByRole("cell")
      .map((cell) => cell.textContent),
  ).toContain("391.2");
});
