// Settings of one user class; they go to Locust's own endpoint, POST /user.
import { useState } from "preact/hooks";
import type { ClassInfo } from "../../api/types";
import { Dialog } from "../../look";
import { useStore } from "../context";
import { TextField } from "./Field";

interface Props {
  info: ClassInfo;
  /** It was saved, or given up. */
  onClose: () => void;
}

const number = (text: string): boolean => /^\d+(\.\d+)?$/.test(text.trim());
const whole = (text: string): boolean => /^\d+$/.test(text.trim());

export function ClassDialog({ info, onClose }: Props) {
  const store = useStore();
  const [weight, setWeight] = useState(String(info.weight));
  const [fixed, setFixed] = useState(String(info.fixed_count));
  const [host, setHost] = useState(info.host ?? "");
  const [tasks, setTasks] = useState<ReadonlySet<string>>(new Set(info.tasks));
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const names = [...new Set(info.all_tasks)];
  const fine = number(weight) && whole(fixed) && tasks.size > 0;

  const save = async (event: Event) => {
    event.preventDefault();
    // The dialog stands within the start form, which is not meant.
    event.stopPropagation();
    if (!fine || busy) return;
    setBusy(true);
    // A task may stand there as often as its weight says: what is kept keeps its weight.
    const kept = info.all_tasks.filter((name) => tasks.has(name));
    const next = { weight: Number(weight), fixed_count: Number(fixed), host: host.trim() || null };
    try {
      const changed = {
        ...(next.weight !== info.weight && { weight: next.weight }),
        ...(next.fixed_count !== info.fixed_count && { fixed_count: next.fixed_count }),
        ...(next.host !== info.host && { host: next.host ?? "" }),
        ...(kept.join("\n") !== info.tasks.join("\n") && { tasks: kept }),
      };
      await store.configure({ user_class_name: info.name, ...changed });
      onClose();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
      setBusy(false);
    }
  };

  return (
    <Dialog onClose={onClose} title={info.name}>
      <form onSubmit={save}>
        <div class="body">
          {error && (
            <p class="problem" role="alert">
              {error}
            </p>
          )}
          <div class="fields two">
            <TextField
              help="Share of the users, beside the other classes."
              inputMode="numeric"
              label="Weight"
              onInput={setWeight}
              problem={number(weight) ? undefined : "write a number, 0 or more"}
              value={weight}
            />
            <TextField
              help="Exactly so many users, before weights count; 0 for none."
              inputMode="numeric"
              label="Fixed count"
              onInput={setFixed}
              problem={whole(fixed) ? undefined : "write a whole number, 0 or more"}
              value={fixed}
            />
          </div>
          <TextField
            help="Only for this class, as long as the run itself has no host."
            inputMode="url"
            label="Host"
            onInput={setHost}
            value={host}
          />
          <fieldset class="checks">
            <legend class="label">Tasks</legend>
            {names.map((name) => (
              <label class="check" key={name}>
                <input
                  checked={tasks.has(name)}
                  onChange={(event) => {
                    const next = new Set(tasks);
                    if (event.currentTarget.checked) next.add(name);
                    else next.delete(name);
                    setTasks(next);
                  }}
                  type="checkbox"
                />
                {name}
              </label>
            ))}
            {tasks.size === 0 && <p class="problem">choose at least one</p>}
          </fieldset>
        </div>
        <footer>
          <button class="button" onClick={onClose} type="button">
            Cancel
          </button>
          <button class="button primary" disabled={!fine || busy} type="submit">
            Save
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
