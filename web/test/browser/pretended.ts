// The built page with a pretended engine behind it, for runs that no machine of ours could make.
import type { AddressInfo } from "node:net";
import { preview } from "vite";
import type { MockOptions } from "../mock/engine.ts";

export interface Pretended {
  url: string;
  close(): Promise<void>;
}

export async function pretend(options: MockOptions): Promise<Pretended> {
  process.env.MOCK = JSON.stringify(options);
  const server = await preview({ mode: "mock", logLevel: "error", preview: { host: "127.0.0.1", port: 0 } });
  return {
    url: `http://127.0.0.1:${(server.httpServer.address() as AddressInfo).port}`,
    close: () => server.close(),
  };
}
