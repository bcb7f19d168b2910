// What five browsers that watch cost the engine: `npm run watchers -- [RATE] [PROGRAM]`, RATE in requests a second.
// Figures are printed and judged by people. Browsers and engine share this machine's cores: with few of them the CPU per
// request and the web thread's share say more than the rate. What happens to an engine that has its core to itself and does
// all it can is measured by `npm run watchers -- full` (full-load.ts).
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import type { Page } from "playwright-core";
import { type Browser, openBrowser } from "./chromium.ts";
import { startProgram } from "./engine.ts";
import { underFullLoad } from "./full-load.ts";
import { figure, openTabs } from "./steps.ts";

const EXAMPLE = resolve(import.meta.dirname, "../../../target/release/examples/open_model");
export const WATCHERS = 5;
/** Requests of one journey of the example. */
const REQUESTS = 2;
/** Milliseconds. */
const WARM_UP = 5_000;
const SPAN = 10_000;
/** Milliseconds in a tick of /proc/PID/stat. */
const TICK = 10;

/** Counters since the process began; times in milliseconds. */
export interface Counters {
  at: number;
  requests: number;
  drivers: number;
  web: number;
}

export const wait = (span: number) => new Promise((done) => setTimeout(done, span));

/** Milliseconds of CPU of all threads whose names begin so. */
function cpu(pid: number, name: string): number {
  let ticks = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    if (!stat.slice(stat.indexOf("(") + 1, end).startsWith(name)) continue;
    // After the name come the state and ten more fields, then the ticks of user and system.
    const fields = stat.slice(end + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * TICK;
}

export async function count(url: string, pid: number): Promise<Counters> {
  const requests = await figure(url, ({ total }) => total.requests);
  return { at: performance.now(), requests, drivers: cpu(pid, "driver-"), web: cpu(pid, "web") };
}

/** One line of the table; returns requests a second. */
async function measure(url: string, pid: number, label: string): Promise<number> {
  const before = await count(url, pid);
  await wait(SPAN);
  const after = await count(url, pid);
  const span = after.at - before.at;
  const requests = after.requests - before.requests;
  const rate = requests / (span / 1000);
  const each = ((after.drivers - before.drivers) * 1000) / requests;
  const web = ((after.web - before.web) / span) * 100;
  const cells = [rate.toFixed(1), `${each.toFixed(1)} µs`, `${web.toFixed(2)} %`];
  console.log(label.padEnd(20) + cells.map((cell) => cell.padStart(22)).join(""));
  return rate;
}

async function answer(): Promise<Server> {
  const server = createServer((request, reply) => {
    request.resume();
    reply.end("{}");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

/** Pages in windows of their own, so that each of them is seen, drawn and never held back. */
async function open(browsers: Browser[], url: string): Promise<void> {
  for (let watcher = 0; watcher < WATCHERS; watcher += 1) {
    const browser = await openBrowser();
    browsers.push(browser);
    const page: Page = await browser.context.newPage();
    await page.goto(url);
    await openTabs(page, watcher % 2 ? "stats" : "charts");
  }
}

export async function main([rate = "2000", program = EXAMPLE]: string[]): Promise<void> {
  if (rate === "full") return underFullLoad();
  if (!(Number(rate) > 0)) throw new Error(`RATE is ${rate}: must be requests a second, above 0, or full`);
  if (!existsSync(program)) throw new Error(`${program} is missing: cargo build --release --example open_model`);
  const target = await answer();
  const host = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
  const journeys = `${Number(rate) / REQUESTS}/s`;
  const browsers: Browser[] = [];
  const engine = await startProgram(program, ["--autostart", "--host", host, "--rate", journeys, "--users", "200"]);
  const pid = engine.process.pid ?? 0;
  try {
    await wait(WARM_UP);
    const names = ["requests/s", "driver CPU/request", "web thread of a core"];
    console.log("".padEnd(20) + names.map((name) => name.padStart(22)).join(""));
    const alone = await measure(engine.url, pid, "nobody watches");
    await open(browsers, engine.url);
    await wait(WARM_UP);
    const watched = await measure(engine.url, pid, `${WATCHERS} browsers`);
    console.log(`rate kept: ${((watched / alone) * 100).toFixed(2)} % at ${rate} requests/s planned`);
  } finally {
    for (const browser of browsers) await browser.close();
    await engine.end();
    target.closeAllConnections();
    target.close();
  }
}
