// Servers to load that count what they were asked for.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Target {
  url: string;
  /** Requests by path. */
  asked: Map<string, number>;
  close(): void;
}

export async function startTarget(): Promise<Target> {
  const asked = new Map<string, number>();
  const server = createServer((request, reply) => {
    const path = request.url ?? "";
    asked.set(path, (asked.get(path) ?? 0) + 1);
    reply.end("{}");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
