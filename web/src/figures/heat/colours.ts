// The heat map's colours: lightness goes one way, so that it reads without hues and in print. Interpolated in OKLab.

type Triple = readonly [number, number, number];

// From "one request" to "most", on a light ground and on a dark one.
const LIGHT = ["#dfe9f7", "#a9cbe8", "#63a3d4", "#3f6fc0", "#4a3d9e", "#3a0f5c"];
const DARK = ["#1a2744", "#254a86", "#2a78a8", "#3fb0a4", "#a6d96a", "#fbf6a3"];

const STEPS = 64;

function linear(channel: number): number {
  const c = channel / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
}

function gamma(value: number): number {
  const c = Math.min(1, Math.max(0, value));
  return Math.round(255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055));
}

function toLab(hex: string): Triple {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => linear(Number.parseInt(hex.slice(at, at + 2), 16)));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromLab([lightness, a, b]: Triple): Triple {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function ramp(hexes: readonly string[]): string[] {
  const anchors = hexes.map(toLab);
  return Array.from({ length: STEPS }, (_, at) => {
    const place = (at / (STEPS - 1)) * (anchors.length - 1);
    const low = Math.min(Math.floor(place), anchors.length - 2);
    const part = place - low;
    const [from, to] = [anchors[low] ?? [0, 0, 0], anchors[low + 1] ?? [0, 0, 0]];
    const mix = [0, 1, 2].map((i) => (from[i] ?? 0) * (1 - part) + (to[i] ?? 0) * part);
    return `rgb(${fromLab([mix[0] ?? 0, mix[1] ?? 0, mix[2] ?? 0]).join(", ")})`;
  });
}

const RAMPS = { light: ramp(LIGHT), dark: ramp(DARK) };

/** The colour of a strength of 0 to 1. */
export function heatColour(strength: number, dark: boolean): string {
  const colours = dark ? RAMPS.dark : RAMPS.light;
  return colours[Math.round(Math.min(1, Math.max(0, strength)) * (STEPS - 1))] ?? "";
}
