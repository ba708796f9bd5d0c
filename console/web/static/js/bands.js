// How a band looks: its colour, an ink that can be read on it, and a shape that needs no colour at all.

import { s } from "./dom.js";
import { has, t, titled } from "./i18n.js";

/** From harmless to worst; a scale of fewer bands takes its shapes spread over these, first and last included. */
const SHAPES = {
  circle: "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Z",
  square: "M1.9 1.9h12.2v12.2H1.9Z",
  pentagon: "M8 .8 15.2 6 12.5 14.6H3.5L.8 6Z",
  triangle: "M8 .9 15.6 14.5H.4Z",
  diamond: "M8 .4 15.6 8 8 15.6.4 8Z",
  star: "M8 0l2 4.6L14.9 3 12.6 7.5 16 11l-4.9.4L10.4 16 8 12.4 5.6 16l-.7-4.6L0 11l3.4-3.5L1.1 3 6 4.6Z",
};
const ORDER = Object.keys(SHAPES);

/** Return the shape's name of band `number` (from 1) of `count`; of no band the name `none`. */
export function shapeName(number, count) {
  if (!number || !count) return "none";
  if (count === 1) return ORDER[0];
  return ORDER[Math.round(((number - 1) * (ORDER.length - 1)) / (count - 1))] ?? ORDER.at(-1);
}

/** Return a shape as SVG, filled with the current colour of the text; no band is an empty ring. */
export function shape(name, props) {
  const outline = SHAPES[name];
  return s("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false", class: "shape", ...props },
    outline
      ? s("path", { d: outline, fill: "currentColor" })
      : s("circle", { cx: 8, cy: 8, r: 6, fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": "2.5 2" }));
}

/** Return the outline of a shape in a box of 16 by 16, for pictures that draw it themselves. */
export function outline(name) {
  return SHAPES[name] ?? SHAPES.circle;
}

const canvas = () => document.createElement("canvas").getContext("2d", { willReadFrequently: true });
let reader = null;
const inks = new Map();

/** Return black or white, whichever is easier to read on a colour (WCAG contrast). */
export function inkOn(colour) {
  let found = inks.get(colour);
  if (!found) {
    if (inks.size > 500) inks.clear();
    const light = luminance(channels(colour));
    found = (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) ? "#000000" : "#ffffff";
    inks.set(colour, found);
  }
  return found;
}

/** Return the three channels, 0 to 255, of any colour that the browser knows; grey for what it does not. */
function channels(colour) {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour);
  if (hex) return hex.slice(1).map((two) => parseInt(two, 16));
  reader ??= canvas();
  reader.fillStyle = "#808080";
  reader.fillStyle = colour;
  reader.fillRect(0, 0, 1, 1);
  return [...reader.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Return a band's name: of a scale that has none in the language in use, ours. */
function nameOf(band) {
  const name = titled(band, "name");
  return has(`band.${name}`) ? t(`band.${name}`) : name;
}

/**
 * Return everything about the band of a figure: number, count, name, colour, ink and shape; null where there is none.
 *
 * @param figure has `band` (number from 1) and perhaps `bandName`.
 * @param definition of the indicator, with its bands; may be missing.
 */
export function bandOf(figure, definition) {
  const bands = definition?.bands ?? [];
  if (!figure.band) return null;
  const band = bands.find((one) => one.number === figure.band) ?? bands[figure.band - 1];
  const colour = band?.colour || figure.bandColour || "#808080";
  const count = Math.max(bands.length, figure.band);
  return {
    number: figure.band, count, name: nameOf(band ?? { name: figure.bandName }), colour, ink: inkOn(colour),
    shape: shapeName(figure.band, count),
    severity: count > 1 ? (figure.band - 1) / (count - 1) : 0,
  };
}
