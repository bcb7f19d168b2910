// Makes screenshots of every figure, of the report and of its printed form: `npm run look -- FOLDER [record …]`.
// Needs `npm run build` before, and Chromium (CHROMIUM names it, or /usr/bin/chromium).
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { createServer } from "vite";

const [folder = "looks", ...asked] = process.argv.slice(2);
const out = resolve(folder);
await mkdir(out, { recursive: true });

const server = await createServer({ server: { port: 0, host: "127.0.0.1" }, logLevel: "error" });
await server.listen();
const address = server.resolvedUrls.local[0];
const { records, reportPage } = await server.ssrLoadModule("/test/looks/pages.ts");
const names = asked.length > 0 ? asked : Object.keys(records);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
let problems = 0;

async function open(address, width, theme) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: theme });
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    problems += 1;
    console.error(`${address}: ${message.text()}`);
  });
  page.on("pageerror", (error) => {
    problems += 1;
    console.error(`${address}: ${error}`);
  });
  await page.goto(address, { waitUntil: "load" });
  await page.waitForTimeout(600);
  return page;
}

const template = await readFile("dist/report.html", "utf8");
for (const name of names) {
  const file = join(out, `${name}.html`);
  await writeFile(file, reportPage(template, name));
  const sizes = name === "small" ? [1440, 1024, 390] : [1440];
  for (const width of sizes)
    for (const theme of name === "small" ? ["light", "dark"] : ["light"]) {
      const kinds = {
        report: `file://${file}`,
        figures: `${address}test/looks/gallery.html?record=${name}&theme=${theme}`,
      };
      for (const [kind, url] of Object.entries(kinds)) {
        if (kind === "figures" && !records[name].history) continue;
        const page = await open(url, width, theme);
        await page.screenshot({ path: join(out, `${kind}-${name}-${width}-${theme}.png`), fullPage: true });
        if (kind === "report" && width === 1440 && theme === "light" && name !== "large")
          await page.pdf({ path: join(out, `${name}.pdf`), preferCSSPageSize: true });
        await page.close();
      }
    }
}
await browser.close();
await server.close();
console.log(`${out}: ${problems} problems`);
process.exitCode = problems > 0 ? 1 : 0;
