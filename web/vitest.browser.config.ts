import preact from "@preact/preset-vite";
import { defineConfig } from "vitest/config";
import { CHROMIUM } from "./test/browser/chromium.ts";

// The tests that need Chromium and a built workload: `npm run browser`. A machine without Chromium is told what did not
// run; CI, which has to have it, fails.
if (!CHROMIUM) {
  const missing = "Chromium is missing: tools/install-test-tools installs it, or CHROMIUM names one";
  if (process.env.CI) throw new Error(missing);
  console.warn(`\nSKIPPED, the page in a browser: ${missing}\n`);
}

export default defineConfig({
  plugins: [preact()],
  test: {
    include: CHROMIUM ? ["test/browser/*.browser.ts"] : [],
    passWithNoTests: !CHROMIUM,
    environment: "node",
    // One run at a time: each drives a load of its own.
    fileParallelism: false,
    bail: 1,
    testTimeout: 90_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000, interval: 100 } },
  },
});
