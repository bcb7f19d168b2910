import preact from "@preact/preset-vite";
import { viteSingleFile } from "vite-plugin-singlefile";
import { defineConfig } from "vitest/config";

// Two builds of one program: the live page (files below assets/) and the report (a single file). `--mode mock` serves the
// page with a pretended engine, `npm run dev` with a real one on port 8089.
export default defineConfig(async ({ mode }) => ({
  base: "./",
  plugins: [
    preact(),
    ...(mode === "report" ? [viteSingleFile({ removeViteModuleLoader: true })] : []),
    ...(mode === "mock" ? [(await import("./test/mock/server.ts")).mockPlugin()] : []),
  ],
  build: {
    // Browsers of 2024 on: light-dark(), nesting and <dialog> are taken as given.
    target: ["chrome123", "edge123", "firefox128", "safari17.5"],
    // No data: addresses: the page's own rules for what it may load stay short.
    ...(mode === "report" ? {} : { assetsInlineLimit: 0 }),
    emptyOutDir: mode !== "report",
    rollupOptions: { input: mode === "report" ? "report.html" : "index.html" },
  },
  server:
    mode === "mock"
      ? {}
      : { proxy: { "^/(api|stats|exceptions|tasks|logs|user|login|logout)": "http://127.0.0.1:8089" } },
  // Slow machines are slow, not wrong.
  test: { environment: "happy-dom", testTimeout: 60_000 },
}));
