// What a funnel says: pure.
import type { Funnel, Step } from "../api/types";

export interface Stage {
  step: Step;
  /** Of the journey's runs, how many came to it: 0 to 1. */
  reached: number;
  /** Of the runs that came to it, how many ended with it: 0 to 1; null for the last step, where ending is the aim. */
  lost: number | null;
}

export function stages(funnel: Funnel): Stage[] {
  // Only runs that ended are counted in `runs`; while journeys are under way a step may have seen more.
  const all = Math.max(funnel.runs, ...funnel.steps.map(({ runs }) => runs), 1);
  return funnel.steps.map((step, index) => ({
    step,
    reached: step.runs / all,
    lost: index === funnel.steps.length - 1 || step.runs === 0 ? null : step.ended_here / step.runs,
  }));
}

export type EndTone = "good" | "bad" | "cut" | "other";

/** Words of the workload's own are neither good nor bad: it depends on what it asks. */
export function endTone(outcome: string): EndTone {
  if (outcome === "finished") return "good";
  if (outcome === "failed") return "bad";
  return outcome === "cut off" ? "cut" : "other";
}

export interface End {
  outcome: string;
  runs: number;
  share: number;
  tone: EndTone;
  /** Which of the colours for words of the workload's own. */
  ink: number;
}

/** Ends in a steady order, so that bars of tasks compare: finished, the workload's own words, failed, cut off. */
export function ends(funnel: Funnel): End[] {
  const all = funnel.ends.reduce((sum, { runs }) => sum + runs, 0) || 1;
  const rank: Record<EndTone, number> = { good: 0, other: 1, bad: 2, cut: 3 };
  const found = funnel.ends
    .filter(({ runs }) => runs > 0)
    .map(({ outcome, runs }) => ({ outcome, runs, share: runs / all, tone: endTone(outcome), ink: 0 }))
    .sort((a, b) => rank[a.tone] - rank[b.tone] || b.runs - a.runs);
  let others = 0;
  for (const end of found)
    if (end.tone === "other") {
      end.ink = others % 3;
      others += 1;
    }
  return found;
}
