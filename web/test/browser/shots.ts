// Screenshots of the start form, every tab, dialogs and the report of a real run, at three widths, dark and light:
// `npm run shots`, to be looked at. They go to target/screenshots, with the report printed as report.pdf.
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import type { Page } from "playwright-core";
import { openBrowser } from "./chromium.ts";
import { startEngine } from "./engine.ts";
import { openTabs, startRun, stopRun, TABS } from "./steps.ts";

const out = resolve(import.meta.dirname, "../../../target/screenshots");
const WIDTHS = [1440, 1024, 390];
const THEMES = ["light", "dark"] as const;

async function take(page: Page, name: string): Promise<void> {
  for (const width of WIDTHS)
    for (const colorScheme of THEMES) {
      await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(250);
      await page.screenshot({ path: resolve(out, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (beyond > 0) console.log(`${name} at ${width}: ${beyond} px wider than the window`);
    }
  await page.setViewportSize({ width: 1440, height: 900 });
}

export async function main(): Promise<void> {
  await mkdir(out, { recursive: true });
  const engine = await startEngine([
    "--demo",
    "--fault",
    "claims 3%: error 500",
    "--trace-url",
    "https://apm.example/{trace}",
  ]);
  const browser = await openBrowser();
  try {
    const page = await browser.context.newPage();

    await page.goto(engine.url);
    await page.getByRole("button", { name: "Stages", exact: true }).click();
    await page.locator(".plan").waitFor();
    await take(page, "form");
    await page.getByRole("button", { name: "Steady users" }).click();
    await startRun(page, "50", "10");
    await page.waitForTimeout(20_000);
    for (const [id] of TABS) {
      await openTabs(page, id);
      await page.waitForTimeout(1200);
      await take(page, `tab-${id}`);
    }
    await page.getByRole("button", { name: "Edit" }).click();
    await take(page, "dialog-edit");
    await page.keyboard.press("Escape");
    await openTabs(page, "stats");
    await page.locator("button.fg-link").nth(2).click();
    await page.getByRole("dialog").locator("canvas").first().waitFor();
    await take(page, "dialog-row");
    await page.keyboard.press("Escape");
    await stopRun(page);
    await openTabs(page, "stats");
    await take(page, "stopped");
    await page.goto(`${engine.url}/stats/report`);
    await page.locator("canvas").first().waitFor();
    await take(page, "report");
    await page.emulateMedia({ colorScheme: "light" });
    await page.pdf({ path: resolve(out, "report.pdf"), preferCSSPageSize: true });
  } finally {
    await browser.close();
    await engine.end();
  }
  console.log(out);
}
