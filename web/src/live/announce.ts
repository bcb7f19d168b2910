// What a screen reader should hear: changes of state and of the connection, never each second's figures.
import { signal } from "@preact/signals";
import type { RunState } from "../api/types";

export const announcement = signal("");

export function announce(text: string): void {
  announcement.value = text;
}

const WORDS: Record<RunState, string> = {
  ready: "Ready to start",
  spawning: "Starting users",
  running: "All users are running",
  cleanup: "Cleaning up",
  stopping: "Stopping",
  stopped: "The run has stopped",
  missing: "No runner",
};

export const stateInWords = (state: RunState): string => WORDS[state] ?? state;
