// A modal dialog on the browser's own <dialog>: it traps focus, closes on Esc, and gives the focus back.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon } from "./Icon";

interface Props {
  title: string;
  onClose: () => void;
  wide?: boolean;
  children: ComponentChildren;
}

/** Open as long as it is rendered. Children are usually a `.body` and a `footer`, or a form with both. */
export function Dialog({ title, onClose, wide, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  const close = useRef(onClose);
  close.current = onClose;

  useEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    const before = document.activeElement;
    dialog.showModal?.();
    // Who opens a form wants to type; without a field the browser's choice is right.
    dialog.querySelector<HTMLElement>(".body :is(input, select, textarea):not([type=hidden])")?.focus();
    return () => {
      dialog.close?.();
      // The browser does this for showModal(), but not when the element goes away with its parent.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  return (
    <dialog
      aria-labelledby={id}
      class={`dialog${wide ? " wide" : ""}`}
      onCancel={(event) => {
        event.preventDefault();
        close.current();
      }}
      onClick={(event) => {
        // A click on the backdrop lands on the dialog itself, outside of its box.
        const dialog = element.current;
        if (!dialog || event.target !== dialog || event.detail === 0) return;
        const box = dialog.getBoundingClientRect();
        const inside =
          event.clientX >= box.left &&
          event.clientX <= box.right &&
          event.clientY >= box.top &&
          event.clientY <= box.bottom;
        if (!inside) close.current();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.preventDefault();
          event.stopPropagation();
          close.current();
        }
      }}
      ref={element}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <button
          aria-label="Close"
          class="button quiet icon spread"
          onClick={() => close.current()}
          title="Close (Esc)"
          type="button"
        >
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
