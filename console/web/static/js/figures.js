// Small pictures of one figure: the line of the last windows, the ring of coverage, the chip of a band.

import { h, s, setText, attribute, style } from "./dom.js";
import { outline, shape } from "./bands.js";
import { percent } from "./format.js";
import { covered } from "./records.js";

const WIDTH = 120;
const HEIGHT = 32;
const PAD = 3;

/** Return a sparkline as SVG; `draw` changes it. */
export function sparkline(props) {
  const area = s("path", { class: "area" });
  const line = s("path", { class: "line" });
  // A stroke without length and round ends stays a dot, however the picture is stretched.
  const last = s("path", { class: "last" });
  const svg = s("svg", {
    class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false", ...props,
  }, area, line, last);
  return { element: svg, draw: (history) => draw(history, area, line, last) };
}

function draw(history, area, line, last) {
  const known = (history ?? []).filter((one) => one !== null);
  if (!known.length) {
    for (const path of [area, line, last]) attribute(path, "d", "");
    return;
  }
  const low = Math.min(...known);
  const high = Math.max(...known);
  const x = (place) => PAD + (place * (WIDTH - 2 * PAD)) / Math.max(1, history.length - 1);
  // A flat line lies in the middle: nothing stood out.
  const y = (value) => (high === low ? HEIGHT / 2 : HEIGHT - PAD - ((value - low) * (HEIGHT - 2 * PAD)) / (high - low));
  const runs = stretches(history);
  const points = (run) => run.map(([place, value]) => `${x(place).toFixed(1)} ${y(value).toFixed(1)}`);
  // A lone figure between gaps is a dash of its own: it must not vanish.
  const drawn = (run) => (run.length === 1
    ? `M${(x(run[0][0]) - 1.2).toFixed(1)} ${y(run[0][1]).toFixed(1)}h2.4` : `M${points(run).join("L")}`);
  attribute(line, "d", runs.map(drawn).join(""));
  attribute(area, "d", runs.filter((run) => run.length > 1).map((run) =>
    `M${x(run[0][0]).toFixed(1)} ${HEIGHT}L${points(run).join("L")}L${x(run.at(-1)[0]).toFixed(1)} ${HEIGHT}Z`).join(""));
  const end = history.at(-1);
  attribute(last, "d", end === null ? "" : `M${x(history.length - 1).toFixed(1)} ${y(end).toFixed(1)}h0.01`);
}

/** Return the runs of figures without a gap, each a list of [place, value]. */
export function stretches(history) {
  const runs = [];
  let run = null;
  history.forEach((value, place) => {
    if (value === null) run = null;
    else if (run) run.push([place, value]);
    else runs.push((run = [[place, value]]));
  });
  return runs;
}

const RADIUS = 17;
const ROUND = 2 * Math.PI * RADIUS;

/** Return a ring that shows which share of the expected readings came, its percentage inside; `draw` changes it. */
export function ring(props) {
  const part = s("circle", { class: "part", cx: 20, cy: 20, r: RADIUS, "stroke-width": 4, transform: "rotate(-90 20 20)" });
  const text = s("text", { x: 20, y: 20.5 });
  const svg = s("svg", { class: "ring", viewBox: "0 0 40 40", "aria-hidden": "true", focusable: "false", ...props },
    s("circle", { class: "track", cx: 20, cy: 20, r: RADIUS, "stroke-width": 4 }), part, text);
  const show = (coverage) => {
    const share = Math.min(1, Math.max(0, coverage ?? 0));
    attribute(part, "stroke-dasharray", `${(share * ROUND).toFixed(2)} ${ROUND.toFixed(2)}`);
    attribute(part, "visibility", share ? null : "hidden");
    setText(text, coverage === null || coverage === undefined ? "–" : percent(coverage));
    svg.dataset.covered = covered(coverage);
  };
  return { element: svg, draw: show };
}

/** Return a chip with a band's shape, colour and name; `draw` changes it, and hides it where there is no band. */
export function bandChip(props) {
  const path = s("path", { fill: "currentColor" });
  const name = h("span");
  const element = h("span", { class: "chip", ...props },
    s("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, path), name);
  const show = (band) => {
    attribute(element, "hidden", !band);
    if (!band) return;
    attribute(path, "d", outline(band.shape));
    setText(name, band.name);
    style(element, "--band", band.colour);
    style(element, "--band-ink", band.ink);
    element.dataset.shape = band.shape;
  };
  return { element, draw: show };
}

/** Return a chip of a band that does not change. */
export function chipOf(band, props) {
  const chip = bandChip(props);
  chip.draw(band);
  return chip.element;
}

/** Return a mark of a band alone, for legends and rows: its shape in its colour. */
export function markOf(band) {
  const mark = h("span", { class: "mark" }, shape(band?.shape ?? "none"));
  style(mark, "color", band?.colour);
  return mark;
}
