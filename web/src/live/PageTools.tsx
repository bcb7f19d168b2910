// What belongs to the page, not to the run: theme, about, sign out.
import { useState } from "preact/hooks";
import { Icon } from "../look";
import { AboutDialog } from "./AboutDialog";
import { useStore } from "./context";
import { ThemeChoice } from "./ThemeChoice";

export function PageTools() {
  const boot = useStore().boot.value;
  const [open, setOpen] = useState(false);
  return (
    <div class="top-tools">
      <ThemeChoice />
      <button aria-label="About" class="button quiet icon" onClick={() => setOpen(true)} title="About" type="button">
        ?
      </button>
      {boot?.can_sign_out && (
        <form action={`${boot.base_path}/logout`} method="post">
          <input name="csrf" type="hidden" value={boot.csrf} />
          <button
            aria-label={`Sign out${boot.signed_in ? ` ${boot.signed_in}` : ""}`}
            class="button quiet icon"
            title={`Sign out${boot.signed_in ? ` ${boot.signed_in}` : ""}`}
            type="submit"
          >
            <Icon name="out" />
          </button>
        </form>
      )}
      {open && <AboutDialog onClose={() => setOpen(false)} />}
    </div>
  );
}
