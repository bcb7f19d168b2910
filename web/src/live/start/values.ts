// What the forms hold, what is wrong with it, and the request that it becomes. Pure.
import type { Boot, ClassInfo, Setting, StartRequest } from "../../api/types";
import { problemOf, type Stage, seconds, stagesOf, textOf } from "./stages";

export type Course = "users" | "stages" | `shape:${string}`;

export interface Values {
  course: Course;
  users: string;
  rate: string;
  host: string;
  runTime: string;
  profile: string;
  stages: Stage[];
  classes: ReadonlySet<string>;
  /** Only what was changed. */
  settings: Record<string, string>;
}

/** Locust's name for no shape at all. */
const NO_SHAPE = "Default";

export type Field = "users" | "rate" | "host" | "runTime" | "stages" | "classes" | `setting:${string}`;
export type Problems = Partial<Record<Field, string>>;

/** Stages beat a shape, as on the command line. */
function courseOf({ stages, shape }: Boot["start"]): Course {
  if (stages) return "stages";
  return shape ? `shape:${shape}` : "users";
}

/** What a form begins with. */
export function initial(boot: Boot): Values {
  const { start } = boot;
  return {
    course: courseOf(start),
    users: start.users === null ? "1" : String(start.users),
    rate: start.spawn_rate === null ? "1" : String(start.spawn_rate),
    host: start.host,
    runTime: start.run_time,
    profile: start.profile,
    stages: start.stages
      ? stagesOf(start.stages)
      : [
          { length: "30s", users: "50" },
          { length: "2m", users: "50" },
          { length: "30s", users: "0" },
        ],
    classes: new Set(boot.classes.filter(({ chosen }) => chosen).map(({ name }) => name)),
    settings: {},
  };
}

const usersProblem = (text: string): string | undefined =>
  /^\d+$/.test(text.trim()) ? undefined : `“${text}” is no number of users; write a whole number, 0 or more`;

const rateProblem = (text: string): string | undefined =>
  Number.isFinite(Number(text)) && Number(text) > 0 && text.trim() !== ""
    ? undefined
    : `“${text}” is no rate; write users per second, more than 0`;

function settingProblem(
  { required, kind, secret, value: present }: Setting,
  value: string | undefined,
): string | undefined {
  const now = value ?? present;
  // A secret that is set does not come to the page: an empty field leaves it as it is.
  if (required && now.trim() === "" && !(secret && value === undefined)) return "this is needed";
  if (now.trim() === "") return undefined;
  if (kind === "number" && !Number.isFinite(Number(now))) return `“${now}” is no number`;
  if (kind === "span" && seconds(now) === null) return `“${now}” is no length of time; write 20, 20s, 3m or 1h20m`;
  return undefined;
}

function settingProblems(settings: Setting[], values: Record<string, string>): Problems {
  const problems: Problems = {};
  for (const setting of settings) {
    const problem = settingProblem(setting, values[setting.name]);
    if (problem) problems[`setting:${setting.name}`] = problem;
  }
  return problems;
}

const told = (problems: Problems): Problems =>
  Object.fromEntries(Object.entries(problems).filter(([, text]) => text !== undefined && text !== null));

/** Everything that keeps a run from starting. */
export function problemsOf(values: Values, boot: Boot): Problems {
  const { course, runTime } = values;
  return told({
    ...(course === "users" && { users: usersProblem(values.users), rate: rateProblem(values.rate) }),
    ...(course === "stages" && { stages: problemOf(values.stages) ?? undefined }),
    ...(runTime.trim() !== "" &&
      seconds(runTime) === null && { runTime: `“${runTime}” is no length of time; write 20, 20s, 3m, 2h or 1h20m` }),
    ...(boot.class_picker &&
      boot.classes.length > 0 &&
      values.classes.size === 0 && { classes: "choose at least one" }),
    ...settingProblems(boot.settings, values.settings),
  });
}

/** Everything that keeps an edit from being sent. */
export function editProblemsOf(values: Pick<Values, "users" | "rate" | "settings">, boot: Boot): Problems {
  return told({
    users: usersProblem(values.users),
    rate: rateProblem(values.rate),
    ...settingProblems(boot.settings, values.settings),
  });
}

/** A word of caution about a host that does not do what one may think. It does not keep anybody from starting. */
export function hostCaution(host: string, classes: readonly ClassInfo[], chosen: ReadonlySet<string>): string | null {
  const text = host.trim();
  const own = classes.filter((info) => chosen.has(info.name) && info.host);
  if (text === "")
    return own.length > 0 && own.length === chosen.size
      ? null
      : "no host: user classes that bring none of their own will fail";
  try {
    const url = new URL(text);
    if (url.protocol !== "http:" && url.protocol !== "https:")
      return `“${url.protocol}//” is neither http:// nor https://`;
  } catch {
    return "this does not look like an address; write http://… or https://…";
  }
  // As in Locust: a run's host beats those of its classes.
  const names = own.filter((info) => info.host !== text).map(({ name }) => name);
  return names.length > 0 ? `takes the place of the own host of ${names.join(", ")}` : null;
}

/**
 * What is sent to start a run. Fields that are left out stay as they were, so an emptied one is sent empty, and each way
 * of deciding the number of users switches the others off.
 */
export function requestOf(values: Values, boot: Boot): StartRequest {
  const { course, settings, classes } = values;
  return {
    host: values.host.trim(),
    run_time: values.runTime.trim(),
    profile: values.profile.trim(),
    stages: course === "stages" ? textOf(values.stages) : "",
    ...(course === "users" && { users: Number(values.users), spawn_rate: Number(values.rate) }),
    ...(boot.shapes.length > 0 && { shape: course.startsWith("shape:") ? course.slice("shape:".length) : NO_SHAPE }),
    ...(boot.class_picker && boot.classes.length > 0 && { classes: [...classes].sort() }),
    ...(Object.keys(settings).length > 0 && { settings }),
  };
}

/** Which field a complaint of the server is about. */
export function fieldOf(name: string | undefined): Field | null {
  if (!name) return null;
  const known: Record<string, Field> = {
    users: "users",
    user_count: "users",
    spawn_rate: "rate",
    host: "host",
    run_time: "runTime",
    stages: "stages",
    classes: "classes",
  };
  return known[name] ?? `setting:${name.replace(/^settings\./, "")}`;
}
