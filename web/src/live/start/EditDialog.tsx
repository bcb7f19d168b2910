// Changes a run while it goes on: users, ramp up and the workload's own options.
import { useState } from "preact/hooks";
import { Failure } from "../../api/client";
import type { Boot } from "../../api/types";
import { Dialog } from "../../look";
import { useStore } from "../context";
import { TextField } from "./Field";
import { SettingsFields } from "./SettingsFields";
import { editProblemsOf, fieldOf, type Problems } from "./values";

export function EditDialog({ boot, onClose }: { boot: Boot; onClose: () => void }) {
  const store = useStore();
  const now = store.now.peek();
  // A shape or stages decide themselves how many users there are.
  const fixed = now?.target_users === null;
  const [users, setUsers] = useState(String(now?.target_users ?? now?.users ?? 1));
  const [rate, setRate] = useState(String(now?.spawn_rate ?? boot.start.spawn_rate ?? 1));
  const [settings, setSettings] = useState<Record<string, string>>({});
  const [refused, setRefused] = useState<{ problems: Problems; text: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const found = editProblemsOf({ users, rate, settings }, boot);
  const problems = { ...found, ...refused?.problems };
  const fine = Object.keys(found).length === 0;

  const submit = async (event: Event) => {
    event.preventDefault();
    if (!fine || busy) return;
    setBusy(true);
    try {
      await store.edit({
        ...(!fixed && { users: Number(users), spawn_rate: Number(rate) }),
        ...(Object.keys(settings).length > 0 && { settings }),
      });
      onClose();
    } catch (failure) {
      const text = failure instanceof Error ? failure.message : String(failure);
      const field = failure instanceof Failure ? fieldOf(failure.field) : null;
      setRefused({ problems: field ? { [field]: text } : {}, text });
      setBusy(false);
    }
  };

  return (
    <Dialog onClose={onClose} title="Edit the running test">
      <form noValidate onSubmit={submit}>
        <div class="body">
          {refused && (
            <p class="problem" role="alert">
              {refused.text}
            </p>
          )}
          {fixed ? (
            <p class="muted">How many users there are comes from the plan of this run and cannot be changed here.</p>
          ) : (
            <div class="fields two">
              <TextField
                help="Peak concurrency."
                inputMode="numeric"
                label="Number of users"
                onInput={setUsers}
                problem={problems.users}
                value={users}
              />
              <TextField
                help="Users started or stopped per second."
                inputMode="decimal"
                label="Ramp up"
                onInput={setRate}
                problem={problems.rate}
                value={rate}
              />
            </div>
          )}
          {boot.settings.length > 0 && (
            <details class="fold">
              <summary>
                Custom parameters <span class="chip">{boot.settings.length}</span>
              </summary>
              <SettingsFields onChange={setSettings} problems={problems} settings={boot.settings} values={settings} />
            </details>
          )}
        </div>
        <footer>
          <button class="button" onClick={onClose} type="button">
            Cancel
          </button>
          <button class="button primary" disabled={!fine || busy} type="submit">
            {busy ? "Updating …" : "Update"}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
