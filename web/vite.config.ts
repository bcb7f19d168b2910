import preact from "@preact/preset-vite";
import { viteSingleFile } from "vite-plugin-singlefile";
import { defineConfig } from "vitest/config";

// Two builds of one program: the live page (files below assets/) and the report (a single file).
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [preact(), ...(mode === "report" ? [viteSingleFile({ removeViteModuleLoader: true })] : [])],
  build: {
    emptyOutDir: mode !== "report",
    rollupOptions: { input: mode === "report" ? "report.html" : "index.html" },
  },
  test: { environment: "happy-dom" },
}));
