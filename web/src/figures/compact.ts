// How a table stands on a phone, where nothing may need scrolling aside: pure. A row is its name, wide texts below it, and
// then its figures in lines. Up to two such lines stand below headers of the same places; where there are more, each figure
// has its label above itself, as nobody could tell which header is whose.
import type { Column } from "./columns";

/** Pixels of the line with the name, of a wide text, of a line of figures, and of one with labels. */
const NAME_LINE = 34;
const TEXT_LINE = 40;
const FIGURE_LINE = 22;
const LABELLED_LINE = 36;
const TALL_LINE = 50;
const EDGE = 4;
/** Lines of figures that still go with headers above them. */
const ALIGNED = 2;
/** Figures in a line, where a table does not say. */
const ABREAST = 5;

export interface Compact<T> {
  /** What a row is called by. */
  name: Column<T> | undefined;
  /** Written before the name instead of in columns of their own. */
  before: readonly Column<T>[];
  /** Further wide texts, each in lines of its own. */
  texts: readonly Column<T>[];
  figures: readonly Column<T>[];
  /** Each figure has its label above itself. */
  labelled: boolean;
  /** A grid's columns: as wide as what stands in them needs. */
  tracks: string;
  abreast: number;
  /** Pixels of a row, where all have to be of one height. */
  height: number;
}

/** The column that tells what a row is. */
export function nameColumn<T>(columns: readonly Column<T>[]): Column<T> | undefined {
  return columns.find(({ kind }) => kind === "wide") ?? columns[0];
}

/** `found`: the widths of the columns in characters. */
export function compactOf<T>(columns: readonly Column<T>[], found: readonly number[], most = ABREAST): Compact<T> {
  const name = nameColumn(columns);
  const before = columns.filter((column) => column.beforeName && column !== name);
  const texts = columns.filter((column) => column.kind === "wide" && column !== name);
  const figures = columns.filter((column) => column !== name && !before.includes(column) && column.kind !== "wide");
  const abreast = Math.max(1, Math.min(most, figures.length));
  const places = placesOf(figures, abreast);
  const lines = (places.at(-1)?.line ?? -1) + 1;
  const labelled = lines > ALIGNED;
  const widths = Array.from({ length: abreast }, (_, place) =>
    Math.max(1, ...figures.map((one, at) => (places[at]?.place === place ? found[columns.indexOf(one)] || 1 : 1))),
  );
  const tall = (place: number) => figures.some((one, at) => one.tall && places[at]?.place === place);
  const line = figures.some(({ tall }) => tall) ? TALL_LINE : LABELLED_LINE;
  return {
    name,
    before,
    texts,
    figures,
    labelled,
    tracks: widths.map((width, at) => `minmax(0, ${labelled ? (tall(at) ? 1.5 : 1) : width}fr)`).join(" "),
    abreast,
    height: NAME_LINE + texts.length * TEXT_LINE + lines * (labelled ? line : FIGURE_LINE) + (labelled ? EDGE : 0),
  };
}

/** Where each figure stands. */
function placesOf<T>(figures: readonly Column<T>[], abreast: number): { line: number; place: number }[] {
  let next = 0;
  return figures.map(({ beginsLine }) => {
    if (beginsLine) next = Math.ceil(next / abreast) * abreast;
    next += 1;
    return { line: Math.floor((next - 1) / abreast), place: (next - 1) % abreast };
  });
}
