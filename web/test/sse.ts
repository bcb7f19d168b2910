// An event source for Node, which has none: enough for tests against a real server.
import { get, type IncomingMessage } from "node:http";

export function openSource(url: string) {
  let listener: ((event: MessageEvent) => void) | null = null;
  const source = {
    onopen: null,
    onerror: null as ((event: Event) => void) | null,
    addEventListener(_: string, given: (event: MessageEvent) => void) {
      listener = given;
    },
    close() {
      closed = true;
      request.destroy();
    },
  };
  let closed = false;
  const fail = () => {
    if (!closed) source.onerror?.(new Event("error"));
  };
  const request = get(url, (reply: IncomingMessage) => {
    let text = "";
    if (reply.statusCode !== 200) return fail();
    reply.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const data = text
          .slice(0, end)
          .split("\n")
          .find((line) => line.startsWith("data: "));
        text = text.slice(end + 2);
        if (data && !closed) listener?.({ data: data.slice(6) } as MessageEvent);
      }
    });
    reply.on("close", fail);
  });
  request.on("error", fail);
  return source;
}
