import { describe, expect, it, vi } from "vitest";
import { basePath } from "../src/api/boot";
import { Client, Failure } from "../src/api/client";
import type { Boot } from "../src/api/types";

function client(reply: (url: string, init?: RequestInit) => Response | Promise<Response>) {
  const signedOut = vi.fn();
  const calls: { url: string; init?: RequestInit }[] = [];
  const made = new Client({
    base: "/load",
    csrf: () => "token",
    signedOut,
    fetch: async (url, init) => {
      calls.push({ url: String(url), init });
      return reply(String(url), init);
    },
  });
  return { client: made, signedOut, calls };
}

const failure = async (promise: Promise<unknown>): Promise<Failure> => {
  const error = await promise.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
};

describe("requests", () => {
  it("stay below the base path and carry the token only where something changes", async () => {
    const { client: made, calls } = client(() => new Response('{"success":true,"message":"ok"}'));
    await made.get("api/v1/state");
    await made.post("api/v1/start", { users: 1 });
    expect(calls.map(({ url }) => url)).toEqual(["/load/api/v1/state", "/load/api/v1/start"]);
    expect(calls[0]?.init?.headers).not.toHaveProperty("X-CSRF-Token");
    expect(calls[1]?.init).toMatchObject({ method: "POST", body: '{"users":1}', credentials: "same-origin" });
    expect(calls[1]?.init?.headers).toMatchObject({ "X-CSRF-Token": "token", "Content-Type": "application/json" });
  });

  it("that are refused tell why, what helps, and the field", async () => {
    const text = '{"error":"invalid rate","hint":"more than 0","field":"spawn_rate"}';
    const { client: made, signedOut } = client(() => new Response(text, { status: 422 }));
    expect(await failure(made.post("x"))).toMatchObject({
      message: "invalid rate",
      hint: "more than 0",
      field: "spawn_rate",
      status: 422,
      unreachable: false,
    });
    expect(signedOut).not.toHaveBeenCalled();
  });

  it("take the words of an error page, as text", async () => {
    const page = "<h1>&#39;Nobody&#39; &lt;b&gt;</h1><script>alert(1)</script>";
    const { client: made } = client(() => new Response(page.replace(/<script.*/, ""), { status: 500 }));
    expect((await failure(made.post("user"))).message).toBe("'Nobody' <b>");
  });

  it("say the status when the page has too much to say", async () => {
    const { client: made } = client(() => new Response("x".repeat(5000), { status: 502 }));
    expect((await failure(made.get("tasks"))).message).toBe("the engine answered 502 to GET tasks");
  });

  it("notice that the session is over", async () => {
    const { client: made, signedOut } = client(() => new Response('{"error":"sign in first"}', { status: 401 }));
    expect((await failure(made.get("x"))).message).toBe("sign in first");
    expect(signedOut).toHaveBeenCalledOnce();
  });

  it("without an answer are told apart from those with a bad one", async () => {
    const refused = client(() => Promise.reject(new TypeError("Failed to fetch")));
    expect(await failure(refused.client.get("x"))).toMatchObject({
      unreachable: true,
      message: "the engine does not answer",
    });
    const late = client(() => Promise.reject(new DOMException("", "TimeoutError")));
    expect((await failure(late.client.get("x"))).message).toBe("no answer within 20 s");
    const odd = client(() => new Response("<html>proxy</html>"));
    expect(await failure(odd.client.get("x"))).toMatchObject({
      unreachable: false,
      message: expect.stringContaining("JSON"),
    });
  });
});

describe("the base path", () => {
  it("comes from the page's data, or from its address", () => {
    expect(basePath({ base_path: "/load/" } as Boot, "/ignored")).toBe("/load");
    expect(basePath(undefined, "/load/")).toBe("/load");
    expect(basePath(undefined, "/load/login")).toBe("/load");
    expect(basePath(undefined, "/")).toBe("");
    expect(basePath(undefined, "/login")).toBe("");
  });
});
