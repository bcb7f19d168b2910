// Stages as rows, or as the text that the command line takes.
import { useState } from "preact/hooks";
import { Icon } from "../../look";
import { Field } from "./Field";
import { type Stage, stagesOf, textOf } from "./stages";

interface Props {
  stages: Stage[];
  problem: string | undefined;
  onChange: (stages: Stage[]) => void;
}

export function StagesEditor({ stages, problem, onChange }: Props) {
  const [text, setText] = useState<string | null>(null);
  const change = (at: number, part: Partial<Stage>) =>
    onChange(stages.map((stage, index) => (index === at ? { ...stage, ...part } : stage)));
  const add = () => {
    const last = stages.at(-1);
    onChange([...stages, { length: last?.length ?? "30s", users: last?.users ?? "10" }]);
  };

  if (text !== null) {
    return (
      <div class="stages">
        <Field help="A length and the number of users to go to, for each stage." label="Stages" problem={problem}>
          {(wiring) => (
            <textarea
              {...wiring}
              class="input mono"
              onInput={(event) => {
                setText(event.currentTarget.value);
                onChange(stagesOf(event.currentTarget.value));
              }}
              rows={2}
              spellcheck={false}
              value={text}
            />
          )}
        </Field>
        <button class="button small" onClick={() => setText(null)} type="button">
          Edit as rows
        </button>
      </div>
    );
  }
  return (
    <fieldset class="stages">
      <legend class="label">Stages</legend>
      <ol>
        {stages.map((stage, at) => (
          <li key={at}>
            <span class="muted">within</span>
            <input
              aria-label={`Stage ${at + 1}: length`}
              class="input small"
              onInput={(event) => change(at, { length: event.currentTarget.value })}
              placeholder="30s"
              value={stage.length}
            />
            <span class="muted">go to</span>
            <input
              aria-label={`Stage ${at + 1}: users`}
              class="input small"
              inputMode="numeric"
              onInput={(event) => change(at, { users: event.currentTarget.value })}
              value={stage.users}
            />
            <span class="muted">users</span>
            <button
              aria-label={`Remove stage ${at + 1}`}
              class="button quiet icon small"
              disabled={stages.length === 1}
              onClick={() => onChange(stages.filter((_, index) => index !== at))}
              type="button"
            >
              <Icon name="close" size={14} />
            </button>
          </li>
        ))}
      </ol>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <div class="row">
        <button class="button small" onClick={add} type="button">
          <Icon name="plus" size={14} /> Add stage
        </button>
        <button class="button small quiet" onClick={() => setText(textOf(stages))} type="button">
          Edit as text
        </button>
      </div>
    </fieldset>
  );
}
