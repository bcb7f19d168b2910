// Buttons by state: nothing to do when ready; Edit, Stop, Reset in a run; New, Reset after it.
import { useState } from "preact/hooks";
import { Dialog, Icon } from "../look";
import { announce } from "./announce";
import { useStore } from "./context";
import { EditDialog } from "./start/EditDialog";

type Open = "edit" | "reset" | null;

export function Actions({ onNew, starting }: { onNew: () => void; starting: boolean }) {
  const store = useStore();
  const [open, setOpen] = useState<Open>(null);
  const [asked, setAsked] = useState<"stop" | "reset" | null>(null);
  const [error, setError] = useState<string | null>(null);
  const state = store.state.value;
  const boot = store.boot.value;
  const lost = store.old.value;
  const close = () => setOpen(null);

  const ask = async (what: "stop" | "reset", act: () => Promise<unknown>) => {
    setAsked(what);
    setError(null);
    try {
      await act();
      if (what === "reset") announce("All figures were set to zero");
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
    setAsked(null);
  };

  // Without what the server tells the page, no change of ours would be taken.
  const going = store.active.value && boot !== null;
  const stopping = asked === "stop" || state === "stopping" || state === "cleanup";
  return (
    <div class="top-actions">
      {going && (
        <>
          <button class="button" disabled={lost || stopping} onClick={() => setOpen("edit")} type="button">
            <Icon name="edit" /> Edit
          </button>
          <button
            class="button danger"
            disabled={lost || stopping}
            onClick={() => void ask("stop", store.halt)}
            type="button"
          >
            <Icon name="stop" /> {stopping ? "Stopping …" : "Stop"}
          </button>
        </>
      )}
      {state === "stopped" && boot && !starting && (
        <button class="button primary" disabled={lost} onClick={onNew} type="button">
          <Icon name="plus" /> New
        </button>
      )}
      {(going || (state === "stopped" && boot)) && !starting && (
        <button class="button" disabled={lost || asked !== null} onClick={() => setOpen("reset")} type="button">
          <Icon name="reset" /> Reset
        </button>
      )}
      {open === "edit" && boot && <EditDialog boot={boot} onClose={close} />}
      {open === "reset" && (
        <Dialog onClose={close} title="Reset all figures?">
          <div class="body">
            <p>Requests, failures, exceptions and charts begin again from zero. Users go on as they are.</p>
          </div>
          <footer>
            <button class="button" onClick={close} type="button">
              Cancel
            </button>
            <button
              class="button primary"
              onClick={() => {
                close();
                void ask("reset", store.reset);
              }}
              type="button"
            >
              Reset figures
            </button>
          </footer>
        </Dialog>
      )}
      {error && (
        <Dialog onClose={() => setError(null)} title="That did not work">
          <div class="body">
            <p role="alert">{error}</p>
          </div>
        </Dialog>
      )}
    </div>
  );
}
