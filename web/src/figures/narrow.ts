// Whether this is a phone's screen.
import { signal } from "@preact/signals";

/** As wide as the rules of the style sheet for phones say. */
const NARROW = "(max-width: 700px)";

const query = typeof matchMedia === "undefined" ? null : matchMedia(NARROW);

/** True while a table of many columns does not fit. */
export const narrow = signal(query?.matches ?? false);

query?.addEventListener("change", (event) => {
  narrow.value = event.matches;
});
