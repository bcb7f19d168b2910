// Printing: tables become complete, charts light and as wide as the paper.
import { signal } from "@preact/signals";

/** True between the browser's `beforeprint` and `afterprint`. */
export const printing = signal(false);

/** Rows of a table on paper. Browsers give up on tens of thousands, and nobody reads hundreds of pages. */
export const PAPER_ROWS = 2500;

/** CSS pixels between the margins of an upright A4 page. */
export const PAPER_WIDTH = 690;

if (typeof window !== "undefined") {
  const root = document.documentElement;
  let before: string | null = null;
  window.addEventListener("beforeprint", () => {
    before = root.getAttribute("data-theme");
    root.setAttribute("data-theme", "light");
    printing.value = true;
  });
  window.addEventListener("afterprint", () => {
    if (before === null) root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", before);
    printing.value = false;
  });
}
