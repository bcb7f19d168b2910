// A handful of drawn icons, 16 × 16, in the colour of the text. Decoration only: the words beside them carry the meaning.
const PATHS = {
  play: "M5 3.2v9.6l7.5-4.8z",
  stop: "M4 4h8v8H4z",
  edit: "M10.8 2.6l2.6 2.6-7.6 7.6-3.2.6.6-3.2zM9.3 4.1l2.6 2.6",
  reset: "M3 8a5 5 0 1 0 1.6-3.7M3 2.6v3h3",
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1",
  moon: "M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6z",
  auto: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 2v12M8 5h3.5M8 8h6M8 11h3.5",
  gear: "M2.5 4.5h6M12 4.5h1.5M2.5 11.5h1.5M7.5 11.5h6M10.2 2.8v3.4M5.8 9.8v3.4",
  download: "M8 2.5v7.2M4.8 7l3.2 3.2L11.2 7M3 13.2h10",
  search: "M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4zM10.2 10.2l3.2 3.2",
  warning: "M8 2.4l6 10.8H2zM8 6.4v3.2M8 11.2v.4",
  out: "M6.5 2.8H3v10.4h3.5M9.8 5l3 3-3 3M12.4 8H6.4",
  up: "M8 12.5v-9M4.5 7L8 3.5 11.5 7",
  down: "M8 3.5v9M4.5 9L8 12.5 11.5 9",
  right: "M6 3.5L10.5 8 6 12.5",
  copy: "M5.5 5.5h7.2v7.2H5.5zM3.3 10.5V3.3h7.2",
  link: "M6 3.5H3.2v9.3h9.3V10M9 2.8h4.2V7M13 3L7.4 8.6",
  columns: "M2.8 3h10.4v10H2.8zM6.3 3v10M9.7 3v10",
} as const;

export type IconName = keyof typeof PATHS;

const FILLED = new Set<IconName>(["play", "stop"]);

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  const filled = FILLED.has(name);
  return (
    <svg
      aria-hidden="true"
      class="icon"
      fill={filled ? "currentColor" : "none"}
      focusable="false"
      height={size}
      stroke="currentColor"
      stroke-linecap="round"
      stroke-linejoin="round"
      stroke-width="1.4"
      viewBox="0 0 16 16"
      width={size}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
