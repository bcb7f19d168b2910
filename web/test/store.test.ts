// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Client } from "../src/api/client";
import { Store } from "../src/api/store";
import { MockEngine } from "./mock/engine";
import { type MockServer, mockServer } from "./mock/server";
import { openSource } from "./sse";

describe("the store, against a server", () => {
  let server: MockServer;
  let store: Store;
  let visible = true;
  let requests: string[];

  function connect(): void {
    const client = new Client({
      base: server.url,
      csrf: () => store.boot.peek()?.csrf ?? "",
      signedOut: () => {},
      fetch: (url, init) => {
        requests.push(String(url).replace(server.url, ""));
        return fetch(url, init);
      },
    });
    store = new Store({ client, openStream: openSource, visible: () => visible });
    store.start(undefined);
  }

  const until = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 30 });
  const times = () => store.history.value.time;
  const withoutHoles = (list: number[]) => list.every((at, index) => index === 0 || at - (list[index - 1] ?? 0) === 1);

  beforeEach(async () => {
    visible = true;
    requests = [];
    server = await mockServer({ past: 30 });
    connect();
    await until(() => expect(store.connection.value.status).toBe("live"));
  });

  afterEach(async () => {
    store.stop();
    await server.close();
  });

  it("has the past, the present and the definitions of the form", async () => {
    await until(() => expect(times().length).toBe(30));
    expect(withoutHoles(times())).toBe(true);
    expect(store.boot.value?.workload).toBe("load-tests");
    expect(store.now.value?.users).toBe(50);
    expect(store.marks.value.map(({ kind }) => kind)).toEqual(["start"]);
    await until(() => expect(store.logs.lines.value.length).toBeGreaterThan(0));
  });

  it("grows with each second", async () => {
    await until(() => expect(times().length).toBe(30));
    const newest = times().at(-1) ?? 0;
    server.engine.step(newest + 1);
    await until(() => expect(times().at(-1)).toBe(newest + 1));
    expect(times().length).toBe(31);
  });

  it("fills the hole after the connection was lost", async () => {
    await until(() => expect(times().length).toBe(30));
    const newest = times().at(-1) ?? 0;
    const { engine, url } = server;
    await server.close();
    await until(() => expect(store.connection.value.status).toBe("lost"));
    expect(store.now.value?.users, "figures stay").toBe(50);
    // Meanwhile the run goes on: far more than one tick brings.
    for (let at = newest + 1; at <= newest + 40; at += 1) engine.step(at);
    server = await mockServer({}, Number(new URL(url).port), engine);
    store.retry();
    await until(() => {
      expect(store.connection.value.status).toBe("live");
      expect(times().at(-1)).toBe(newest + 40);
      expect(withoutHoles(times())).toBe(true);
    });
    expect(times().length).toBe(70);
    expect(requests.some((path) => path.startsWith("/api/v1/history?since=1"))).toBe(true);
  });

  it("does not take another engine's run for the one before", async () => {
    await until(() => expect(times().length).toBe(30));
    await until(() => expect(store.logs.lines.value.length).toBeGreaterThan(0));
    const { url, engine } = server;
    engine.log("INFO", "of the first engine");
    await until(() => expect(store.logs.lines.value.at(-1)?.text).toContain("of the first engine"));
    await server.close();
    await until(() => expect(store.connection.value.status).toBe("lost"));
    // Its run has the same number.
    const other = new MockEngine({ past: 5 });
    expect(other.run).toBe(engine.run);
    other.started = (engine.started ?? 0) + 25.5;
    server = await mockServer({}, Number(new URL(url).port), other);
    store.retry();
    await until(() => expect(times().length).toBe(5));
    await until(() => expect(store.logs.lines.value.length).toBe(other.logs.length));
    expect(store.logs.lines.value.some(({ text }) => text.includes("first engine"))).toBe(false);
  });

  it("begins again with another run", async () => {
    await until(() => expect(times().length).toBe(30));
    const { revision } = store.now.value ?? {};
    await store.reset();
    await until(() => expect(store.now.value?.revision.run).toBe((revision?.run ?? 0) + 1));
    await until(() => expect(times()).toEqual([]));
    expect(store.marks.value.map(({ kind }) => kind)).toEqual(["reset"]);
  });

  it("asks for the summary only while somebody looks, and only when something changed", async () => {
    await until(() => expect(times().length).toBe(30));
    const asked = () => requests.filter((path) => path === "/api/v1/summary").length;
    expect(asked()).toBe(0);
    const release = store.summary.want();
    await until(() => expect(store.summary.state.value.data?.rows.length).toBeGreaterThan(3));
    expect(asked()).toBe(1);
    release();
    server.engine.step((times().at(-1) ?? 0) + 1);
    await until(() => expect(times().length).toBe(31));
    expect(asked()).toBe(1);
  });

  it("lets figures wait while nobody sees the page, but not a change of state", async () => {
    await until(() => expect(times().length).toBe(30));
    const drawn = store.history.value;
    visible = false;
    server.engine.step((times().at(-1) ?? 0) + 1);
    server.engine.halt();
    await until(() => expect(store.state.value).toBe("stopped"));
    expect(store.history.value).toBe(drawn);
  });

  it("sends changes with the token of the page, and tells why one is refused", async () => {
    await until(() => expect(store.boot.value).not.toBeNull());
    await store.edit({ users: 80, spawn_rate: 20 });
    expect(server.engine.posted.at(-1)).toEqual({ path: "/api/v1/edit", body: { users: 80, spawn_rate: 20 } });
    await until(() => expect(store.now.value?.target_users).toBe(80));
    await expect(store.begin({ users: -1 })).rejects.toThrow("users must not be negative");
    await expect(store.plan({ stages: "soon" })).rejects.toMatchObject({ status: 422, field: "stages" });
  });
});
