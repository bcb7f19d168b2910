// Whether the figures can be trusted: a light with words, and the details behind it.
import { useState } from "preact/hooks";
import type { Health } from "../api/types";
import { HealthPanel } from "../figures";
import { Dialog, Icon } from "../look";

export function HealthLight({ health }: { health: Health }) {
  const [open, setOpen] = useState(false);
  // Before the first figure there is nothing to say.
  if (health.text === "") return null;
  return (
    <div class="glance-figure health">
      <dt>Generator</dt>
      <dd>
        <button class={`health-light ${health.sound ? "good" : "bad"}`} onClick={() => setOpen(true)} type="button">
          {health.sound ? <span class="dot" /> : <Icon name="warning" />}
          {health.sound ? "healthy" : "suspect"}
        </button>
        {open && (
          <Dialog onClose={() => setOpen(false)} title="The generator's own health" wide>
            <div class="body">
              <HealthPanel health={health} />
            </div>
          </Dialog>
        )}
      </dd>
    </div>
  );
}
