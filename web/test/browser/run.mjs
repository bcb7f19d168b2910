// Runs a TypeScript program of this folder on a Node that reads only JavaScript: `node test/browser/run.mjs shots.ts …`.
import { createServer } from "vite";

const [program] = process.argv.slice(2);
const vite = await createServer({
  root: `${import.meta.dirname}/../..`,
  logLevel: "error",
  server: { middlewareMode: true, hmr: false, ws: false },
  optimizeDeps: { noDiscovery: true },
});
try {
  const { main } = await vite.ssrLoadModule(`/test/browser/${program}`);
  await main(process.argv.slice(3));
} finally {
  await vite.close();
}
