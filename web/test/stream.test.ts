import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Connection, Stream } from "../src/api/stream";
import type { Tick } from "../src/api/types";

class FakeSource {
  static all: FakeSource[] = [];
  onopen = null;
  onerror: ((event: Event) => void) | null = null;
  closed = false;
  private listener: ((event: MessageEvent) => void) | null = null;

  constructor(readonly url: string) {
    FakeSource.all.push(this);
  }

  addEventListener(_: string, listener: (event: MessageEvent) => void): void {
    this.listener = listener;
  }

  close(): void {
    this.closed = true;
  }

  tick(data: unknown): void {
    this.listener?.({ data: typeof data === "string" ? data : JSON.stringify(data) } as MessageEvent);
  }

  fail(): void {
    this.onerror?.(new Event("error"));
  }
}

const last = (): FakeSource => FakeSource.all.at(-1) as FakeSource;

describe("the event stream", () => {
  let said: Connection[];
  let ticks: Tick[];
  let probe: () => Promise<void>;
  let stream: Stream;

  beforeEach(() => {
    vi.useFakeTimers();
    FakeSource.all = [];
    said = [];
    ticks = [];
    probe = () => Promise.resolve();
    stream = new Stream({
      url: "api/v1/events",
      onTick: (tick) => ticks.push(tick),
      onConnection: (connection) => said.push(connection),
      probe: () => probe(),
      open: (url) => new FakeSource(url),
    });
    stream.start();
  });

  afterEach(() => {
    stream.stop();
    vi.useRealTimers();
  });

  it("is live with the first tick", () => {
    expect(said).toEqual([{ status: "connecting" }]);
    last().tick({ at: 1 });
    expect(said.at(-1)).toEqual({ status: "live" });
    expect(ticks).toEqual([{ at: 1 }]);
  });

  it("tries again, each time later, and not later than every 15 seconds", () => {
    const waits: number[] = [];
    for (let attempt = 0; attempt < 7; attempt += 1) {
      last().fail();
      const lost = said.at(-1);
      waits.push(lost?.status === "lost" ? (lost.nextTry ?? 0) - Date.now() : -1);
      vi.advanceTimersByTime(waits.at(-1) ?? 0);
      expect(FakeSource.all.length).toBe(attempt + 2);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it("begins with short waits again after it was live", () => {
    last().fail();
    vi.advanceTimersByTime(1000);
    last().fail();
    vi.advanceTimersByTime(2000);
    last().tick({ at: 2 });
    last().fail();
    expect(said.at(-1)).toMatchObject({ status: "lost", nextTry: Date.now() + 1000 });
  });

  it("does not trust a connection that is open but silent", () => {
    last().tick({ at: 1 });
    vi.advanceTimersByTime(5000);
    expect(said.at(-1)?.status).toBe("live");
    vi.advanceTimersByTime(2500);
    expect(said.at(-1)).toMatchObject({ status: "lost", why: expect.stringContaining("silent") });
    expect(FakeSource.all[0]?.closed).toBe(true);
  });

  it("says what the engine answers when the stream does not tell", async () => {
    probe = () => Promise.reject(new Error("the engine answered 503"));
    last().fail();
    await vi.advanceTimersByTimeAsync(0);
    expect(said.at(-1)).toMatchObject({ status: "lost", why: "the engine answered 503" });
  });

  it("keeps the moment when it was lost over many attempts", () => {
    const at = Date.now();
    last().fail();
    vi.advanceTimersByTime(1000);
    last().fail();
    expect(said.at(-1)).toMatchObject({ since: at });
  });

  it("tries at once when asked to, once", () => {
    last().fail();
    stream.retryNow();
    stream.retryNow();
    expect(FakeSource.all.length).toBe(2);
    vi.advanceTimersByTime(1500);
    expect(FakeSource.all.length).toBe(2);
  });

  it("takes a broken message as a broken connection, and ignores a late one of an old source", () => {
    const first = last();
    first.tick("{oops");
    expect(said.at(-1)).toMatchObject({ status: "lost" });
    first.tick({ at: 9 });
    expect(ticks).toEqual([]);
  });

  it("ends when it is stopped", () => {
    last().fail();
    stream.stop();
    vi.advanceTimersByTime(60_000);
    expect(FakeSource.all.length).toBe(1);
  });
});
