// The pretended engine behind HTTP: for `npm run mock` and for tests of the data layer.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Plugin, PreviewServer, ViteDevServer } from "vite";
import type { StartRequest } from "../../src/api/types.ts";
import { MockEngine, type MockOptions } from "./engine.ts";
import { history } from "./figures.ts";

const json = (reply: ServerResponse, data: unknown, status = 200): void => {
  reply.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  reply.end(JSON.stringify(data));
};

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) text += chunk;
  try {
    return JSON.parse(text || "{}");
  } catch {
    return null;
  }
}

/** True when the request was answered. */
export function handler(engine: MockEngine) {
  const events = (reply: ServerResponse): void => {
    reply.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    const send = () => {
      const tick = engine.tick();
      reply.write(`event: tick\nid: ${tick.at}\ndata: ${JSON.stringify(tick)}\n\n`);
    };
    send();
    const timer = setInterval(send, 1000);
    reply.on("close", () => clearInterval(timer));
  };

  const get = (path: string, query: URLSearchParams, reply: ServerResponse): boolean => {
    const since = Number(query.get("since") ?? 0);
    switch (path) {
      case "/api/v1/state": {
        const { history: _, ...tick } = engine.tick();
        json(reply, { ...tick, boot: engine.boot() });
        return true;
      }
      case "/api/v1/events":
        events(reply);
        return true;
      case "/api/v1/history":
        json(reply, { history: history(engine.seconds.filter(({ at }) => at >= since)), marks: engine.marks });
        return true;
      case "/api/v1/rows/history":
        json(reply, engine.rowHistory());
        return true;
      case "/api/v1/summary":
        json(reply, engine.summary());
        return true;
      case "/api/v1/logs":
        json(reply, engine.logsSince(since));
        return true;
      case "/tasks":
        json(reply, engine.tasks());
        return true;
      default:
        return false;
    }
  };

  const post = async (path: string, request: IncomingMessage, reply: ServerResponse): Promise<boolean> => {
    const body = await bodyOf(request);
    if (request.headers["x-csrf-token"] !== engine.csrf) {
      json(reply, { error: "the page is older than the session", hint: "load it again" }, 403);
      return true;
    }
    engine.posted.push({ path, body });
    const asked = body as StartRequest;
    switch (path) {
      case "/api/v1/start":
      case "/api/v1/edit":
        json(reply, engine.start(asked));
        return true;
      case "/api/v1/stop":
        engine.halt();
        json(reply, { success: true, message: "Test stopped" });
        return true;
      case "/api/v1/reset":
        engine.reset();
        json(reply, { success: true, message: "ok" });
        return true;
      case "/api/v1/plan":
        if (asked.stages && !/^\s*\d/.test(asked.stages)) {
          json(reply, { error: `invalid stage '${asked.stages}'`, hint: "write 30s:50,2m:50", field: "stages" }, 422);
        } else {
          json(reply, engine.plan(asked));
        }
        return true;
      case "/user":
        json(reply, {}, engine.configure(asked) ? 201 : 500);
        return true;
      default:
        return false;
    }
  };

  return async (request: IncomingMessage, reply: ServerResponse): Promise<boolean> => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://mock");
    if (request.method === "POST") return post(pathname, request, reply);
    return get(pathname, searchParams, reply);
  };
}

export interface MockServer {
  engine: MockEngine;
  url: string;
  close(): Promise<void>;
}

/** A server on a free port of this machine, without a page. */
export async function mockServer(
  options: MockOptions = {},
  port = 0,
  engine = new MockEngine(options),
): Promise<MockServer> {
  const answer = handler(engine);
  const server: Server = createServer((request, reply) => {
    void answer(request, reply).then((done) => {
      if (!done) json(reply, { error: "no such path" }, 404);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    engine,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/**
 * The page of Vite's server with a pretended engine behind it: `vite --mode mock` for work on the page, `vite preview --mode
 * mock` for the page as it was built. What it pretends comes from the variable MOCK, JSON of `MockOptions`.
 */
export function mockPlugin(): Plugin {
  const serve = ({ httpServer, middlewares }: Pick<ViteDevServer | PreviewServer, "httpServer" | "middlewares">) => {
    const engine = new MockEngine(JSON.parse(process.env.MOCK ?? "{}") as MockOptions);
    const answer = handler(engine);
    const timer = setInterval(() => engine.step(), 1000);
    httpServer?.on("close", () => clearInterval(timer));
    middlewares.use((request, reply, next) => {
      void answer(request, reply).then((done) => {
        if (!done) next();
      });
    });
  };
  return {
    name: "mock-engine",
    configureServer: serve,
    configurePreviewServer: serve,
    transformIndexHtml: (html) => html.replace("<!--boot-->", ""),
  };
}
