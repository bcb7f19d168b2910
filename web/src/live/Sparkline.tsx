// The last minutes of a figure as a line without axes, beside its number. The charts tell the whole.
const POINTS = 120;
const WIDTH = 64;
const HEIGHT = 20;

/** The path of a line through the values; null breaks it. */
export function path(values: readonly (number | null)[]): string {
  const last = values.slice(-POINTS);
  const most = last.reduce<number>((a, b) => Math.max(a, b ?? 0), 0);
  if (most === 0 || last.length < 3) return "";
  let drawn = "";
  let pen = "M";
  last.forEach((value, index) => {
    if (value === null) {
      pen = "M";
      return;
    }
    const x = (index / (last.length - 1)) * WIDTH;
    const y = HEIGHT - 1 - (value / most) * (HEIGHT - 2);
    drawn += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  });
  return drawn;
}

export function Sparkline({ values }: { values: readonly (number | null)[] }) {
  const line = path(values);
  if (!line) return null;
  return (
    <svg aria-hidden="true" class="spark" height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH}>
      <path d={line} />
    </svg>
  );
}
