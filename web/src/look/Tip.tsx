// A tooltip that hover, focus and touch open, Esc closes, and screen readers hear as a description.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

interface Props {
  /** What it says. Plain text. */
  text: string;
  children: ComponentChildren;
  class?: string;
}

export function Tip({ text, children, class: name }: Props) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLButtonElement>(null);
  const bubble = useRef<HTMLSpanElement>(null);

  useEffect(() => {
    if (!open || !anchor.current || !bubble.current) return;
    const at = anchor.current.getBoundingClientRect();
    const size = bubble.current.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left + at.width / 2 - size.width / 2, innerWidth - size.width - 8));
    const below = at.bottom + 6;
    const top = below + size.height > innerHeight - 8 ? at.top - size.height - 6 : below;
    bubble.current.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }, [open]);

  return (
    <>
      <button
        aria-describedby={id}
        class={`tip-anchor ${name ?? ""}`}
        onBlur={() => setOpen(false)}
        onClick={() => setOpen(true)}
        onFocus={() => setOpen(true)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && open) {
            event.stopPropagation();
            setOpen(false);
          }
        }}
        onMouseEnter={() => setOpen(true)}
        onMouseLeave={() => setOpen(false)}
        ref={anchor}
        type="button"
      >
        {children}
      </button>
      <span class={open ? "tip" : "unseen"} id={id} ref={bubble} role="tooltip">
        {text}
      </span>
    </>
  );
}
