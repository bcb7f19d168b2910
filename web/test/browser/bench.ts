// How quick the page is with a large run behind it: `npm run bench`. Times are printed and judged by people; what can be
// held on any machine (how much is on the page) is a test, `large.browser.ts`.
import type { Page } from "playwright-core";
import { openBrowser } from "./chromium.ts";
import { pretend } from "./pretended.ts";

const ROUNDS = 15;
/** Milliseconds. */
const REST = 10_000;

/** Milliseconds from an action to the next painted frame, and of the longest task meanwhile. */
interface Taken {
  paint: number;
  longest: number;
}

/** Does something to an element within the page, where no driver's time is counted. */
function timed(page: Page, selector: string, act: "click" | "type" | "scroll", value = ""): Promise<Taken> {
  return page.evaluate(
    async ([selector, act, value]) => {
      const element = document.querySelector(selector) as HTMLElement;
      if (!element) throw new Error(`nothing is ${selector}`);
      let longest = 0;
      const observer = new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
      });
      observer.observe({ entryTypes: ["longtask"] });
      const start = performance.now();
      if (act === "click") element.click();
      else if (act === "scroll") element.scrollTop += Number(value);
      else {
        (element as HTMLInputElement).value = value;
        element.dispatchEvent(new Event("input", { bubbles: true }));
      }
      // The second frame begins when the first one has been painted.
      const paint = await new Promise<number>((done) =>
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start))),
      );
      await new Promise((done) => setTimeout(done, 60));
      observer.disconnect();
      return { paint, longest };
    },
    [selector, act, value] as const,
  );
}

async function measure(page: Page, name: string, act: () => Promise<Taken>): Promise<void> {
  const all: Taken[] = [];
  for (let round = 0; round < ROUNDS; round += 1) all.push(await act());
  const paints = all.map(({ paint }) => paint).sort((a, b) => a - b);
  const longest = Math.max(...all.map(({ longest }) => longest));
  const rows = await page.locator("tbody tr").count();
  const cell = (value: number) => value.toFixed(0).padStart(7);
  console.log(
    `${name.padEnd(34)}${cell(paints[ROUNDS >> 1] ?? 0)}${cell(paints.at(-1) ?? 0)}${cell(longest)}${cell(rows)}`,
  );
}

/** Tasks of more than 50 ms while nobody does anything: what a new summary each second costs. */
async function rest(page: Page, name: string): Promise<void> {
  const tasks = await page.evaluate(async (wait) => {
    const found: number[] = [];
    const observer = new PerformanceObserver((list) =>
      found.push(...list.getEntries().map(({ duration }) => duration)),
    );
    observer.observe({ entryTypes: ["longtask"] });
    await new Promise((done) => setTimeout(done, wait));
    observer.disconnect();
    return found;
  }, REST);
  const longest = Math.max(0, ...tasks).toFixed(0);
  console.log(`${name}: ${tasks.length} tasks above 50 ms in ${REST / 1000} s, the longest ${longest} ms`);
}

async function table(page: Page, tab: string, label: string): Promise<void> {
  await page.locator(`[role=tab][id$="-tab-${tab}"]`).click();
  await page.getByRole("table", { name: label }).locator("tbody tr").first().waitFor();
}

const header = (nth: number) => `.panel thead th:nth-child(${nth}) button`;

export async function main(): Promise<void> {
  const engine = await pretend({ large: true });
  const browser = await openBrowser();
  try {
    const page = await browser.context.newPage();
    await page.goto(engine.url);
    console.log("ms until painted, of 15              median    max  longest task  rows on the page");
    await table(page, "stats", "Request statistics");
    await measure(page, "statistics, 2,000: sort by name", () => timed(page, header(2), "click"));
    await measure(page, "statistics, 2,000: sort by figure", () => timed(page, header(5), "click"));
    let round = 0;
    const digit = () => {
      round += 1;
      return String(round % 10);
    };
    await measure(page, "statistics, 2,000: search", () => timed(page, ".panel input[type=search]", "type", digit()));
    await timed(page, ".panel input[type=search]", "type", "");
    await measure(page, "statistics, 2,000: scroll", () => timed(page, ".panel .fg-long", "scroll", "2000"));
    await rest(page, "statistics at rest");
    await table(page, "failures", "Failures");
    await measure(page, "failures, 20,000: sort by count", () => timed(page, header(2), "click"));
    await measure(page, "failures, 20,000: sort by message", () => timed(page, header(5), "click"));
    await measure(page, "failures, 20,000: search", () =>
      timed(page, ".panel input[type=search]", "type", `request ${digit()}`),
    );
    await timed(page, ".panel input[type=search]", "type", "");
    await measure(page, "failures, 20,000: scroll", () => timed(page, ".panel .fg-long", "scroll", "20000"));
    await rest(page, "failures at rest");
    await table(page, "workers", "Workers");
    await measure(page, "workers, 500: sort by name", () => timed(page, header(1), "click"));
    await measure(page, "workers, 500: sort by users", () => timed(page, header(3), "click"));
  } finally {
    await browser.close();
    await engine.close();
  }
}
