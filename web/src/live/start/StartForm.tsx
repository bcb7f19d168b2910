// The form that begins a run, with the curve of what it would do.
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../../api/client";
import type { Boot, PlanReply } from "../../api/types";
import { format, Icon } from "../../look";
import { useStore } from "../context";
import { ClassPicker } from "./ClassPicker";
import { TextField } from "./Field";
import { PlanCurve } from "./PlanCurve";
import { SettingsFields } from "./SettingsFields";
import { StagesEditor } from "./StagesEditor";
import {
  type Course,
  fieldOf,
  hostCaution,
  initial,
  type Problems,
  problemsOf,
  requestOf,
  type Values,
} from "./values";

/** Milliseconds after the last key until the plan is asked for. */
const CALM = 250;

interface Props {
  boot: Boot;
  workers: number;
  /** Given when there is something to go back to. */
  onCancel?: () => void;
  onStarted: () => void;
}

export function StartForm({ boot, workers, onCancel, onStarted }: Props) {
  const store = useStore();
  const [values, setValues] = useState<Values>(() => initial(boot));
  const [refused, setRefused] = useState<{ problems: Problems; text: string; hint?: string } | null>(null);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const found = problemsOf(values, boot);
  const problems: Problems = { ...found, ...refused?.problems };
  // A field that is empty because nobody has come to it yet is no mistake.
  const shown = tried
    ? problems
    : (Object.fromEntries(Object.entries(problems).filter(([, text]) => text !== "this is needed")) as Problems);
  const waiting = boot.is_distributed && workers === 0;
  const set = (part: Partial<Values>) => {
    setValues({ ...values, ...part });
    setRefused(null);
  };

  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (busy || waiting || Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      await store.begin(requestOf(values, boot));
      onStarted();
    } catch (failure) {
      const text = failure instanceof Error ? failure.message : String(failure);
      const field = failure instanceof Failure ? fieldOf(failure.field) : null;
      setRefused({
        problems: field ? { [field]: text } : {},
        text,
        hint: failure instanceof Failure ? failure.hint : undefined,
      });
      setBusy(false);
    }
  };

  return (
    <form class="start" noValidate onSubmit={submit}>
      <header class="start-head">
        <h1>Start a load test</h1>
        <p class="muted">
          {boot.workload} · {classesInWords(boot)}
        </p>
      </header>
      <div class="start-main">
        <section class="card">
          <div class="body fields">
            <CourseChoice onChange={(course) => set({ course })} shapes={boot.shapes} value={values.course} />
            {values.course === "users" && (
              <div class="fields two">
                <TextField
                  help="Peak concurrency."
                  inputMode="numeric"
                  label="Number of users"
                  onInput={(users) => set({ users })}
                  problem={shown.users}
                  value={values.users}
                />
                <TextField
                  help="Users started per second."
                  inputMode="decimal"
                  label="Ramp up"
                  onInput={(rate) => set({ rate })}
                  problem={shown.rate}
                  value={values.rate}
                />
              </div>
            )}
            {values.course === "stages" && (
              <StagesEditor onChange={(stages) => set({ stages })} problem={shown.stages} stages={values.stages} />
            )}
            <TextField
              caution={hostCaution(values.host, boot.classes, values.classes)}
              inputMode="url"
              label="Host"
              onInput={(host) => set({ host })}
              placeholder="https://…"
              problem={shown.host}
              value={values.host}
            />
            <div class="fields two">
              <TextField
                help={values.course === "users" ? "Empty: until it is stopped." : "Empty: as long as the plan."}
                label="Run time"
                onInput={(runTime) => set({ runTime })}
                placeholder="20s, 3m, 1h20m"
                problem={shown.runTime}
                value={values.runTime}
              />
              <TextField
                help="A name for this run, kept in its results."
                label="Profile"
                onInput={(profile) => set({ profile })}
                placeholder="optional"
                value={values.profile}
              />
            </div>
          </div>
        </section>
        {boot.class_picker && boot.classes.length > 0 && (
          <section class="card">
            <div class="body">
              <ClassPicker
                chosen={values.classes}
                classes={boot.classes}
                onChange={(classes) => set({ classes })}
                problem={shown.classes}
              />
            </div>
          </section>
        )}
        {boot.settings.length > 0 && (
          <details
            class="card fold"
            open={boot.settings.some(({ required, secret, value }) => required && !secret && value === "")}
          >
            <summary>
              Custom parameters <span class="chip">{boot.settings.length}</span>
            </summary>
            <div class="body">
              <SettingsFields
                onChange={(settings) => set({ settings })}
                problems={shown}
                settings={boot.settings}
                values={values.settings}
              />
            </div>
          </details>
        )}
      </div>
      <aside class="start-side">
        <section class="card">
          <header>
            <h2>Plan</h2>
          </header>
          <div class="body">
            <Plan boot={boot} fine={Object.keys(found).length === 0} values={values} />
          </div>
        </section>
        <div class="start-act">
          {waiting && (
            <p class="caution" role="status">
              No worker is connected yet. Start one with <code>--worker</code>; this page notices it.
            </p>
          )}
          {refused && (
            <div class="refusal" role="alert">
              <Icon name="warning" />
              <div>
                <b>{refused.text}</b>
                {refused.hint && <p>{refused.hint}</p>}
              </div>
            </div>
          )}
          {tried && Object.keys(found).length > 0 && (
            <p class="problem" role="alert">
              Some fields need another look: {Object.values(found)[0]}
            </p>
          )}
          <button class="button primary large" disabled={busy || waiting} type="submit">
            <Icon name="play" /> {busy ? "Starting …" : "Start"}
          </button>
          {onCancel && (
            <button class="button large quiet" onClick={onCancel} type="button">
              Back to the results
            </button>
          )}
        </div>
      </aside>
    </form>
  );
}

/** Who takes part: by name as long as that is short. */
function classesInWords({ classes }: Boot): string {
  if (classes.length > 4 || classes.length === 0) return format.plural(classes.length, "user class", "user classes");
  return classes.map(({ name }) => name).join(", ");
}

interface CourseProps {
  value: Course;
  shapes: string[];
  onChange: (value: Course) => void;
}

function CourseChoice({ value, shapes, onChange }: CourseProps) {
  const choices: { id: Course; label: string }[] = [
    { id: "users", label: "Steady users" },
    { id: "stages", label: "Stages" },
    ...shapes.map((name) => ({ id: `shape:${name}` as const, label: name })),
  ];
  if (choices.length > 5) {
    return (
      <div class="field">
        <label for="course">Load over time</label>
        <select
          class="input"
          id="course"
          onChange={(event) => onChange(event.currentTarget.value as Course)}
          value={value}
        >
          {choices.map(({ id, label }) => (
            <option key={id} value={id}>
              {label}
            </option>
          ))}
        </select>
      </div>
    );
  }
  return (
    <fieldset class="field">
      <legend class="label">Load over time</legend>
      <div class="segmented wide">
        {choices.map(({ id, label }) => (
          <button aria-pressed={id === value} key={id} onClick={() => onChange(id)} type="button">
            {label}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

/** Asks for the plan a moment after the last change; an answer to an older question is dropped. */
function Plan({ values, boot, fine }: { values: Values; boot: Boot; fine: boolean }) {
  const store = useStore();
  const [plan, setPlan] = useState<PlanReply | null>(null);
  const [error, setError] = useState<string | null>(null);
  // A shape is code that may count how often it is asked: nobody asks it before its time.
  const coded = values.course.startsWith("shape:");
  const asked = fine && !coded ? JSON.stringify(requestOf(values, boot)) : null;

  useEffect(() => {
    if (asked === null) return;
    let outdated = false;
    const timer = setTimeout(() => {
      store.plan(JSON.parse(asked)).then(
        (reply) => {
          if (outdated) return;
          setPlan(reply);
          setError(null);
        },
        (failure: Error) => {
          if (!outdated) setError(failure.message);
        },
      );
    }, CALM);
    return () => {
      outdated = true;
      clearTimeout(timer);
    };
  }, [asked, store]);

  if (coded) return <p class="muted">The workload's own code decides as it runs: its course is drawn meanwhile.</p>;
  if (error && fine) return <p class="muted">The plan cannot be drawn: {error}</p>;
  if (!plan)
    return <p class="muted plan-waits">{fine ? "Drawing …" : "It is drawn as soon as the fields are complete."}</p>;
  return (
    <div class={fine ? "" : "is-old"}>
      <PlanCurve plan={plan} />
    </div>
  );
}
