// Which user classes take part, and a dialog for the settings of each.
import { useState } from "preact/hooks";
import type { ClassInfo } from "../../api/types";
import { format, Icon } from "../../look";
import { ClassDialog } from "./ClassDialog";

interface Props {
  classes: ClassInfo[];
  chosen: ReadonlySet<string>;
  problem: string | undefined;
  onChange: (chosen: Set<string>) => void;
}

/** How many tasks its users do, and of how many if some are switched off. */
function tasksInWords({ tasks, all_tasks }: ClassInfo): string {
  const [on, all] = [new Set(tasks).size, new Set(all_tasks).size];
  return on === all ? String(on) : `${on} of ${all}`;
}

export function ClassPicker({ classes, chosen, problem, onChange }: Props) {
  const [open, setOpen] = useState<string | null>(null);
  const weights = classes.filter(({ name, fixed_count }) => chosen.has(name) && fixed_count === 0);
  const sum = weights.reduce((total, { weight }) => total + weight, 0);
  const all = chosen.size === classes.length;

  const toggle = (name: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(name);
    else next.delete(name);
    onChange(next);
  };
  const share = ({ name, weight, fixed_count }: ClassInfo): string => {
    if (!chosen.has(name)) return format.NONE;
    if (fixed_count > 0) return `${fixed_count} fixed`;
    return sum > 0 ? format.percent(weight / sum) : format.NONE;
  };
  const opened = classes.find(({ name }) => name === open);

  return (
    <fieldset class="picker">
      <legend class="label">User classes</legend>
      <div class="scroll">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">
                <input
                  aria-label="All user classes"
                  checked={all}
                  onChange={() => onChange(new Set(all ? [] : classes.map(({ name }) => name)))}
                  type="checkbox"
                />
              </th>
              <th scope="col">Class</th>
              <th class="number" scope="col">
                Weight
              </th>
              <th class="number" scope="col">
                Share
              </th>
              <th class="number" scope="col">
                Tasks
              </th>
              <th scope="col">
                <span class="unseen">Settings</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {classes.map((info) => (
              <tr key={info.name}>
                <td>
                  <input
                    aria-label={info.name}
                    checked={chosen.has(info.name)}
                    onChange={(event) => toggle(info.name, event.currentTarget.checked)}
                    type="checkbox"
                  />
                </td>
                <th scope="row">{info.name}</th>
                <td class="number">{info.weight}</td>
                <td class="number">{share(info)}</td>
                <td class="number">{tasksInWords(info)}</td>
                <td class="number">
                  <button
                    aria-label={`Settings of ${info.name}`}
                    class="button quiet icon small"
                    onClick={() => setOpen(info.name)}
                    title="Settings of this class"
                    type="button"
                  >
                    <Icon name="gear" />
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {opened && <ClassDialog info={opened} onClose={() => setOpen(null)} />}
    </fieldset>
  );
}
