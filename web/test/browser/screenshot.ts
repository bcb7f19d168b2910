// The README's picture: the live page under the demonstration's load. `tools/screenshot` runs it.
import { resolve } from "node:path";
import { openBrowser } from "./chromium.ts";
import { startEngine } from "./engine.ts";
import { openTabs, startRun } from "./steps.ts";

export async function main([file = "../docs/images/live.png"]: string[]): Promise<void> {
  const engine = await startEngine(["--demo"]);
  const browser = await openBrowser({ colorScheme: "dark" });
  try {
    const page = await browser.context.newPage();
    await page.setViewportSize({ width: 1440, height: 1276 });
    await page.goto(engine.url);
    await startRun(page, "50", "10");
    await openTabs(page, "charts");
    // Long enough for lines that look like a run.
    await page.waitForTimeout(40_000);
    await page.screenshot({ path: resolve(file) });
  } finally {
    await browser.close();
    await engine.end();
  }
}
