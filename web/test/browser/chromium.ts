// The system's Chromium, and everything on a page that nobody should see: errors, refused content, requests to others.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is, or nothing. The variable CHROMIUM names another one. */
export const CHROMIUM = [process.env.CHROMIUM, ...PLACES].find((path) => path && existsSync(path));

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Browser {
  context: BrowserContext;
  close(): Promise<void>;
}

/** A browser that has never been used, and is forgotten when it is closed. */
export async function openBrowser(
  options: Parameters<typeof chromium.launchPersistentContext>[1] = {},
): Promise<Browser> {
  if (!CHROMIUM) throw new Error("no Chromium: tools/install-test-tools installs it, or CHROMIUM names one");
  const folder = await mkdtemp(join(tmpdir(), "swarmer-chromium-"));
  const context = await chromium.launchPersistentContext(folder, {
    headless: true,
    executablePath: CHROMIUM,
    args: FLAGS,
    viewport: { width: 1440, height: 900 },
    timezoneId: "UTC",
    ...options,
  });
  context.setDefaultTimeout(30_000);
  return {
    context,
    close: async () => {
      await context.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export interface Watch {
  /** Errors and warnings of the console, exceptions, and what the content policy refused. */
  problems: string[];
  /** Every request that did not go to `origin`. */
  foreign: string[];
  /** While this is true the console may complain of failed requests: a server is away on purpose. */
  away: boolean;
}

export function watch(page: Page, origin: string): Watch {
  const seen: Watch = { problems: [], foreign: [], away: false };
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    if (seen.away && /Failed to load resource|net::ERR_/.test(message.text())) return;
    seen.problems.push(message.text());
  });
  page.on("pageerror", (error) => seen.problems.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !/^(data|blob|about):/.test(url)) seen.foreign.push(url);
  });
  return seen;
}
