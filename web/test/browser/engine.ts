// Real workload processes: the flagship workload with its own target, on free ports.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";

export const LOAD_TESTS = resolve(import.meta.dirname, "../../../target/debug/load-tests");

export interface Engine {
  /** Such as `http://127.0.0.1:41234`. */
  url: string;
  port: number;
  process: ChildProcess;
  /** What it has written so far. */
  said(): string;
  /** Ends it with a signal and waits until it is gone. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts the flagship workload in web mode, twenty times as fast as people are. */
export async function startEngine(args: string[] = [], port = 0): Promise<Engine> {
  if (!existsSync(LOAD_TESTS)) throw new Error(`${LOAD_TESTS} is missing: cargo build --package load-tests`);
  return startProgram(LOAD_TESTS, ["--time-scale", "0.05", ...args], port);
}

/** Starts any workload in web mode, with one driver thread, and waits for the address that it logs. */
export async function startProgram(program: string, args: string[], port = 0): Promise<Engine> {
  const child = spawn(program, ["--web-host", "127.0.0.1", "--web-port", String(port), "--threads", "1", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  const gone = new Promise<void>((done) => child.once("exit", () => done()));
  const url = await new Promise<string>((found, failed) => {
    const read = (chunk: Buffer) => {
      text += chunk;
      const address = /web interface at (http\S+)/.exec(text)?.[1];
      if (address) found(address.replace(/[/,.]+$/, ""));
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`${program} ended with ${code}:\n${text}`)));
  });
  return {
    url,
    port: Number(new URL(url).port),
    process: child,
    said: () => text,
    end: async (signal = "SIGTERM") => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await gone;
    },
  };
}
