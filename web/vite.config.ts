import preact from "@preact/preset-vite";
import { viteSingleFile } from "vite-plugin-singlefile";
import { defineConfig } from "vitest/config";

// Two builds of one program: the live page (files below assets/) and the report (a single file).
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [preact(), ...(mode === "report" ? [viteSingleFile({ removeViteModuleLoader: true })] : [])],
  build: {
    // Browsers of 2024 on: light-dark(), nesting and <dialog> are taken as given.
    target: ["chrome123", "edge123", "firefox128", "safari17.5"],
    emptyOutDir: mode !== "report",
    rollupOptions: { input: mode === "report" ? "report.html" : "index.html" },
  },
  test: { environment: "happy-dom" },
}));
