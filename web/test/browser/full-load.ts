// What watchers cost an engine that does all it can: the engine alone on one core, what it asks (nginx) on the other. Five
// browsers would take their time from nginx there, which those on other machines do not. So one real browser shows what it
// asks for in ten seconds, and that is asked for five times over by a program that reads and forgets. Rounds alternate.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openBrowser } from "./chromium.ts";
import { startProgram } from "./engine.ts";
import { openTabs } from "./steps.ts";
import { type Counters, count, WATCHERS, wait } from "./watchers.ts";

const HAMMER = resolve(import.meta.dirname, "../../../target/release/hammer");
const ROUNDS = 5;
/** Milliseconds. */
const SETTLING = 3_000;
const SPAN = 8_000;
const WATCHED = 10_000;
const ENGINE_CORE = "0";
const OTHER_CORE = "1";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address ? address.port : 0;
}

function startNginx(folder: string, port: number): ChildProcess {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder};`);
  const server = `server { listen 127.0.0.1:${port}; keepalive_requests 1000000000; return 200 "hello"; }`;
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/errors crit;
     events {} http { access_log off; ${places.join(" ")} ${server} }`,
  );
  return spawn("taskset", ["-c", OTHER_CORE, "nginx", "-c", file], { stdio: "ignore" });
}

/** What a page asks for again and again: its streams, and other addresses with their periods in milliseconds. */
interface Habits {
  streams: string[];
  asks: Map<string, number>;
}

/** Looks on while real browsers show what they ask for. */
async function habitsOf(url: string, tab: "charts" | "stats"): Promise<Habits> {
  const browser = await openBrowser();
  try {
    const page = await browser.context.newPage();
    const streams = new Set<string>();
    const asked: string[] = [];
    let begun = false;
    page.on("request", (request) => {
      const { pathname, search } = new URL(request.url());
      if (request.resourceType() === "eventsource") streams.add(pathname + search);
      else if (begun) asked.push(pathname + search);
    });
    await page.goto(url);
    await openTabs(page, tab);
    await wait(SETTLING);
    begun = true;
    await wait(WATCHED);
    const asks = new Map<string, number>();
    // The moment since when news are wanted differs each time: the latest stands for all.
    const plain = (path: string) => path.replace(/since=[^&]*/, "");
    for (const kind of new Set(asked.map(plain))) {
      const same = asked.filter((path) => plain(path) === kind);
      asks.set(same.at(-1) ?? kind, WATCHED / same.length);
    }
    return { streams: [...streams], asks };
  } finally {
    await browser.close();
  }
}

/** Asks as a page does, until told to end. */
function pretend(url: string, { streams, asks }: Habits): () => void {
  const agent = new Agent({ keepAlive: true });
  let ended = false;
  const ask = (path: string) =>
    get(`${url}${path}`, { agent, headers: { "accept-encoding": "gzip, deflate, br" } }, (reply) => reply.resume()).on(
      "error",
      (error) => {
        // What is under way at the end is cut off.
        if (!ended) throw error;
      },
    );
  const open = streams.map(ask);
  const timers = [...asks].map(([path, period]) => setInterval(() => ask(path), period));
  return () => {
    ended = true;
    timers.forEach(clearInterval);
    for (const stream of open) stream.destroy();
    agent.destroy();
  };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function row(label: string, before: Counters, after: Counters): number {
  const span = after.at - before.at;
  const requests = after.requests - before.requests;
  const rate = requests / (span / 1000);
  const each = ((after.drivers - before.drivers) * 1000) / requests;
  const web = ((after.web - before.web) / span) * 100;
  console.log(`${label.padEnd(16)} ${rate.toFixed(0).padStart(9)}/s ${each.toFixed(2)} µs ${web.toFixed(2)} %`);
  return rate;
}

/** Prints rounds and the median of the ratios of neighbours. */
export async function underFullLoad(): Promise<void> {
  if (!existsSync(HAMMER)) throw new Error(`${HAMMER} is missing: cargo build --release --package bench`);
  const folder = mkdtempSync(join(tmpdir(), "swarmer-full-"));
  const port = await freePort();
  const nginx = startNginx(folder, port);
  const args = ["--autostart", "--host", `http://127.0.0.1:${port}`, "--users", "100", "--spawn-rate", "100"];
  const engine = await startProgram(HAMMER, args);
  const pid = engine.process.pid ?? 0;
  // All of its threads.
  execFileSync("taskset", ["-a", "-c", "-p", ENGINE_CORE, String(pid)]);
  try {
    const habits = [await habitsOf(engine.url, "charts"), await habitsOf(engine.url, "stats")] as const;
    for (const { streams, asks } of habits) {
      const periods = [...asks].map(([path, period]) => `${path} every ${(period / 1000).toFixed(1)} s`);
      console.log(`a browser keeps ${streams.join(", ")} open and asks for ${periods.join(", ")}`);
    }
    // This process is the watchers.
    execFileSync("taskset", ["-a", "-c", "-p", OTHER_CORE, String(process.pid)]);
    console.log("                    requests   driver CPU/request   web thread of a core");
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const rates: number[] = [];
      for (const watched of round % 2 ? [true, false] : [false, true]) {
        const watchers = watched ? WATCHERS : 0;
        const ends = Array.from({ length: watchers }, (_, at) => pretend(engine.url, habits[at % 2 ? 1 : 0]));
        await wait(SETTLING);
        const before = await count(engine.url, pid);
        await wait(SPAN);
        rates[Number(watched)] = row(watched ? "five browsers" : "nobody", before, await count(engine.url, pid));
        for (const end of ends) end();
      }
      ratios.push((rates[1] ?? 0) / (rates[0] ?? 1));
    }
    const percents = ratios.map((ratio) => (100 * ratio).toFixed(2)).join(", ");
    console.log(`rate kept: ${(100 * median(ratios)).toFixed(2)} % (median of ${percents})`);
  } finally {
    await engine.end();
    nginx.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
