import { describe, expect, it } from "vitest";
import { addressOf, tabOf } from "../src/live/router";
import { path } from "../src/live/Sparkline";
import { planInWords, roundUp } from "../src/live/start/PlanCurve";
import { problemOf, seconds, stagesOf, textOf } from "../src/live/start/stages";
import { editProblemsOf, fieldOf, hostCaution, initial, problemsOf, requestOf } from "../src/live/start/values";
import { elapsed } from "../src/live/TopBar";
import { MockEngine } from "./mock/engine";

const boot = new MockEngine().boot();
const values = initial(boot);

describe("spans and stages", () => {
  it.each([
    ["20", 20],
    ["20s", 20],
    ["3m", 180],
    ["1h20m", 4800],
    ["3h30m10s", 12_610],
    ["", null],
    ["soon", null],
    ["3 m", null],
    ["-5s", null],
  ])("%s is %s seconds", (text, expected) => expect(seconds(text)).toBe(expected));

  it("come from text and become the same text", () => {
    expect(textOf(stagesOf(" 30s:50, 2m:50 ,30s:0"))).toBe("30s:50,2m:50,30s:0");
  });

  it("are checked, naming the stage", () => {
    expect(problemOf(stagesOf("30s:50"))).toBeNull();
    expect(problemOf([])).toContain("at least one");
    expect(problemOf(stagesOf("30s:50,later:3"))).toContain("stage 2: “later”");
    expect(problemOf(stagesOf("30s:-5"))).toContain("“-5”");
    expect(problemOf(stagesOf("0s:5"))).toContain("stage 1");
  });
});

describe("the start form", () => {
  it("begins with what the server says and is fine", () => {
    expect(values).toMatchObject({ course: "users", users: "50", rate: "10", host: "http://127.0.0.1:8080" });
    expect(problemsOf(values, boot)).toEqual({});
  });

  it("begins with stages where the command line had some", () => {
    const staged = initial({ ...boot, start: { ...boot.start, stages: "1m:5" } });
    expect(staged).toMatchObject({ course: "stages", stages: [{ length: "1m", users: "5" }] });
  });

  it("begins with the classes and the shape that the next run would have", () => {
    const { start } = boot;
    const shaped = { ...boot, start: { ...start, shape: "Daily Curve" } };
    expect(initial(shaped).course).toBe("shape:Daily Curve");
    expect(initial({ ...boot, start: { ...start, shape: "Daily Curve", stages: "1m:5" } }).course).toBe("stages");
    const classes = boot.classes.map((info) => ({ ...info, chosen: info.name === "QuoteAgent" }));
    expect([...initial({ ...boot, classes }).classes]).toEqual(["QuoteAgent"]);
  });

  it.each([
    [{ users: "many" }, "users"],
    [{ users: "-1" }, "users"],
    [{ users: "1.5" }, "users"],
    [{ rate: "0" }, "rate"],
    [{ rate: "" }, "rate"],
    [{ rate: "NaN" }, "rate"],
    [{ runTime: "soon" }, "runTime"],
    [{ classes: new Set<string>() }, "classes"],
    [{ course: "stages" as const, stages: [] }, "stages"],
    [{ settings: { time_scale: "fast" } }, "setting:time_scale"],
    [{ settings: { tenant: " " } }, "setting:tenant"],
    [{ settings: { warm_up: "a while" } }, "setting:warm_up"],
  ])("refuses %j", (part, field) => {
    expect(Object.keys(problemsOf({ ...values, ...part }, boot))).toEqual([field]);
  });

  it("does not ask for users when something else decides", () => {
    expect(problemsOf({ ...values, course: "shape:Daily Curve", users: "" }, boot)).toEqual({});
  });

  it("sends what was chosen, and switches the other ways off", () => {
    expect(requestOf(values, boot)).toEqual({
      host: "http://127.0.0.1:8080",
      users: 50,
      spawn_rate: 10,
      run_time: "10m",
      profile: "",
      stages: "",
      shape: "Default",
      classes: ["PolicyAgent", "QuoteAgent"],
    });
    const staged = requestOf({ ...values, course: "stages", runTime: "", settings: { group: "A" } }, boot);
    expect(staged).toMatchObject({ stages: "30s:50,2m:50,30s:0", shape: "Default", settings: { group: "A" } });
    expect(staged).not.toHaveProperty("users");
    expect(requestOf({ ...values, course: "shape:Daily Curve" }, boot)).toMatchObject({
      shape: "Daily Curve",
      stages: "",
    });
  });

  it("does not send classes without the picker, nor a shape where there is none", () => {
    const plain = requestOf(values, { ...boot, class_picker: false, shapes: [] });
    expect(plain).not.toHaveProperty("classes");
    expect(plain).not.toHaveProperty("shape");
  });

  it.each([
    ["http://a.example", null],
    ["https://a.example/base", null],
    ["", "no host"],
    ["a.example", "does not look like"],
    ["ftp://a.example", "neither"],
  ])("cautions about the host %s", (host, words) => {
    const said = hostCaution(host, boot.classes, values.classes);
    if (words === null) expect(said).toBeNull();
    else expect(said).toContain(words);
  });

  it("cautions where the host takes the place of those of classes, as in Locust", () => {
    const own = (host: string) => boot.classes.map((info) => ({ ...info, host }));
    const all = values.classes;
    expect(hostCaution("http://a.example", own("http://b.example"), all)).toContain("PolicyAgent, QuoteAgent");
    expect(hostCaution("http://a.example", own("http://b.example"), new Set(["QuoteAgent"]))).not.toContain("Policy");
    expect(hostCaution("http://a.example", own("http://a.example"), all)).toBeNull();
    expect(hostCaution("", own("http://b.example"), all)).toBeNull();
    expect(hostCaution("", own("http://b.example").slice(1), all)).toContain("no host");
  });

  it("finds the field that the server complains about", () => {
    expect(fieldOf("spawn_rate")).toBe("rate");
    expect(fieldOf("settings.group")).toBe("setting:group");
    expect(fieldOf(undefined)).toBeNull();
  });

  it("checks an edit the same way", () => {
    expect(editProblemsOf({ users: "5", rate: "1", settings: {} }, boot)).toEqual({});
    expect(Object.keys(editProblemsOf({ users: "x", rate: "-1", settings: {} }, boot))).toEqual(["users", "rate"]);
  });
});

describe("the plan in words", () => {
  const plain = (text: string) => text.replaceAll("\u202f", " ");
  it("says when and how much", () => {
    const plan = { seconds: [0, 5, 60], users: [0, 50, 50], unit: "users" as const, duration: 60 };
    expect(plain(planInWords(plan))).toBe("Reaches 50 users after 5 s, ends after 1 min.");
    expect(plain(planInWords({ ...plan, duration: null }))).toContain("until it is stopped");
    expect(plain(planInWords({ ...plan, seconds: [0], users: [12.5], unit: "journeys per second" }))).toBe(
      "12.5 journeys per second at once, ends after 1 min.",
    );
  });

  it("has an axis that ends at a round number", () => {
    expect([0, 1, 3, 50, 51, 1234].map(roundUp)).toEqual([1, 1, 5, 50, 100, 2000]);
  });
});

describe("the address", () => {
  it("names the tab, and keeps what else stands in it", () => {
    expect(tabOf("?tab=logViewer")).toBe("logViewer");
    expect(tabOf("?tab=<script>")).toBe("stats");
    expect(tabOf("")).toBe("stats");
    expect(addressOf("http://h/load/?theme=dark&tab=stats#x", "charts")).toBe("/load/?theme=dark&tab=charts#x");
  });
});

describe("the time that a run has taken", () => {
  const engine = new MockEngine({ past: 30 });
  const { history: _, ...now } = engine.tick();
  const begun = now.started ?? 0;
  const stop = { at: begun + 20, kind: "stop" as const, text: "stopped" };

  it("goes on while it runs, and not after it", () => {
    expect(elapsed({ ...now, at: begun + 7 }, [])).toBe(7);
    expect(elapsed({ ...now, at: begun + 90, state: "stopped" }, [stop])).toBe(20);
    expect(elapsed({ ...now, started: null }, [])).toBeNull();
  });

  it("does not take the end of the run before for its own", () => {
    const total = { ...now.total, last_request: begun + 12 };
    const before = { ...stop, at: begun - 5 };
    expect(elapsed({ ...now, total, at: begun + 90, state: "stopped" }, [before])).toBe(12);
  });
});

describe("small drawings and tables", () => {
  it("draws a line that breaks where nothing was observed", () => {
    expect(path([])).toBe("");
    expect(path([0, 0, 0])).toBe("");
    expect(path([1, null, 2, 3]).match(/M/g)?.length).toBe(2);
  });
});
