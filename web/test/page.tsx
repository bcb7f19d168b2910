// The whole page in a test, with the pretended engine behind a real socket.
import { request } from "node:http";
import { cleanup, configure, render } from "@testing-library/preact";
import { Client } from "../src/api/client";
import { Store } from "../src/api/store";
import { App } from "../src/live/App";
import { StoreContext } from "../src/live/context";
import type { MockOptions } from "./mock/engine";
import { type MockServer, mockServer } from "./mock/server";
import { openSource } from "./sse";

// A second, which is the library's own patience, is not enough where compilers run beside the tests.
configure({ asyncUtilTimeout: 15_000 });

/** The test's own window does not let its pages talk to other origins: ask from Node. */
const ask: typeof fetch = (input, init) =>
  new Promise((resolve, reject) => {
    const headers = init?.headers as Record<string, string> | undefined;
    const sent = request(String(input), { method: init?.method, headers }, (reply) => {
      const parts: Buffer[] = [];
      reply.on("data", (part: Buffer) => parts.push(part));
      reply.on("end", () => resolve(new Response(Buffer.concat(parts), { status: reply.statusCode })));
    });
    sent.on("error", reject);
    sent.end(init?.body as string | undefined);
  });

export interface Page {
  server: MockServer;
  store: Store;
  close(): Promise<void>;
}

export async function openPage(options: MockOptions = {}): Promise<Page> {
  const server = await mockServer(options);
  const client = new Client({
    base: server.url,
    csrf: () => store.boot.peek()?.csrf ?? "",
    signedOut: () => {},
    fetch: ask,
  });
  const store: Store = new Store({ client, openStream: openSource, visible: () => true });
  store.start(undefined);
  render(
    <StoreContext.Provider value={store}>
      <App />
    </StoreContext.Provider>,
  );
  return {
    server,
    store,
    close: async () => {
      cleanup();
      store.stop();
      await server.close();
    },
  };
}
