// Stages as people write them: "30s:50,2m:50,30s:0", each a length and the number of users to go to.

export interface Stage {
  length: string;
  users: string;
}

const UNITS: Record<string, number> = { d: 86_400, h: 3600, m: 60, s: 1 };

/** Seconds of a span such as `20`, `20s`, `1h20m`, `3h30m10s`; null when it is none. */
export function seconds(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Number(trimmed);
  if (!/^(?:\d+[dhms])+$/.test(trimmed)) return null;
  let sum = 0;
  for (const [, amount = "0", unit = "s"] of trimmed.matchAll(/(\d+)([dhms])/g))
    sum += Number(amount) * (UNITS[unit] ?? 1);
  return sum;
}

export function stagesOf(text: string): Stage[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => {
      const [length = "", users = ""] = part.split(":");
      return { length: length.trim(), users: users.trim() };
    });
}

export function textOf(stages: Stage[]): string {
  return stages.map(({ length, users }) => `${length.trim()}:${users.trim()}`).join(",");
}

/** What is wrong with the stages, in words; null when nothing is. */
export function problemOf(stages: Stage[]): string | null {
  if (stages.length === 0) return "at least one stage is needed";
  for (const [index, { length, users }] of stages.entries()) {
    const which = `stage ${index + 1}`;
    const time = seconds(length);
    if (time === null || time <= 0) return `${which}: “${length}” is no length of time; write 30s, 5m or 1h20m`;
    if (!/^\d+$/.test(users.trim())) return `${which}: “${users}” is no number of users; write 0 or more`;
  }
  return null;
}
