// Draws curves over time with uPlot: gaps as gaps, the extremes of what was thinned out as a band, the city's clock below.
// Knows uPlot and arrays; knows no measurand.

import uPlot from "../vendor/uplot-1.6.32/uPlot.esm.js";
import { cityZone, decimal, when } from "./format.js";

const SYNC = "cityvitals";
const HEIGHT_PX = 260;
const DAY_PX = 84;
const AXIS_PX = 62;
const LABEL_PX = 20;
const RIGHT_PX = 28;
const WIDTH_PX_MIN = 200;
const COLUMNS_MIN = 100;
const COLUMNS_MAX = 4_000;

/** Return a colour of the theme by name. */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * Return a curve's columns with a null wherever more than one and a half steps lie between two points.
 *
 * @param t seconds, ascending.
 * @param columns lists of values of the same length.
 * @param stepS usual distance of two points; 0 finds it.
 */
export function withGaps(t, columns, stepS = 0) {
  const step = stepS || usualStep(t);
  const out = [[], ...columns.map(() => [])];
  for (let i = 0; i < t.length; i += 1) {
    if (i && step && t[i] - t[i - 1] > 1.5 * step) {
      out[0].push(t[i - 1] + step);
      for (let c = 0; c < columns.length; c += 1) out[c + 1].push(null);
    }
    out[0].push(t[i]);
    for (let c = 0; c < columns.length; c += 1) out[c + 1].push(columns[c][i] ?? null);
  }
  return out;
}

/** Return the median distance of neighbours, of at most a thousand of them. */
export function usualStep(t) {
  const stride = Math.max(1, Math.floor(t.length / 1000));
  const found = [];
  for (let i = stride; i < t.length; i += stride) found.push(t[i] - t[i - 1]);
  found.sort((a, b) => a - b);
  return found[found.length >> 1] ?? 0;
}

/** Return windows as level strokes from their start to their end; each `{t, value}`, one of length `lengthS`. */
export function strokes(windows, lengthS) {
  const x = [];
  const y = [];
  windows.forEach((one, i) => {
    if (one.value === null) return;
    const next = windows[i + 1]?.t ?? Infinity;
    // A civil day may have 25 hours: the next window's start ends this one where it follows.
    const end = next - one.t <= lengthS * 1.1 ? next : one.t + lengthS;
    x.push(one.t, end - 1);
    y.push(one.value, one.value);
    const followed = next === end && windows[i + 1].value !== null;
    if (!followed) {
      x.push(end);
      y.push(null);
    }
  });
  return [x, y];
}

/** Return labels of times by the city's clock, the day named where it begins. */
function timeLabels(u, splits, axis, space, step) {
  if (step >= 86_400) return splits.map((second) => when(second * 1000, step >= 27 * 86_400 ? "month" : "day"));
  const days = splits.map((second) => when(second * 1000, "day"));
  const begins = days.map((one, i) => one !== days[i - 1]);
  // The name of a day takes more room than a time: the first one gives way to the next, which stands where its day begins.
  const apart = Math.ceil(DAY_PX / Math.max(1, u.valToPos(splits[1] ?? 0, "x") - u.valToPos(splits[0], "x")));
  if (begins.indexOf(true, 1) > 0 && begins.indexOf(true, 1) < apart) begins[0] = false;
  return splits.map((second, i) => `${when(second * 1000, "time")}${begins[i] ? `\n${days[i]}` : ""}`);
}

/**
 * Draw curves of one unit in `root`.
 *
 * @param curves each `{label, colour, x, y, low?, high?, points?: "only"|"none", dash?, width?}`; x in seconds.
 * @param options `{unit, fromS, toS, onSpan(fromS, toS)}`.
 * @returns the chart, with `update(curves, fromS, toS)`, `resize()`, `destroy()`, and `points`, how many it holds.
 */
export function draw(root, curves, { unit, fromS, toS, onSpan }) {
  const ink = token("ink-2");
  const grid = { stroke: token("grid"), width: 1 };
  const span = { fromS, toS };
  const drawn = looks(curves);
  const data = uPlot.join(tables(curves));
  const plot = new uPlot({
    width: widthOf(root), height: HEIGHT_PX, padding: [12, RIGHT_PX, 0, 0],
    tzDate: (second) => uPlot.tzDate(new Date(second * 1000), cityZone()),
    ...seriesOf(curves, unit),
    legend: { live: true },
    cursor: { sync: { key: SYNC }, drag: { x: true, y: false, setScale: false }, focus: { prox: 24 } },
    scales: { x: { time: true, range: () => [span.fromS, span.toS] } },
    axes: [
      { stroke: ink, grid, ticks: grid, values: timeLabels, size: 46 },
      { stroke: ink, grid, ticks: grid, label: unit.symbol, labelSize: LABEL_PX, size: AXIS_PX, values: (u, splits) => splits.map((one) => decimal(String(one))) },
    ],
    hooks: { setSelect: [(u) => {
      if (u.select.width < 8) return;
      onSpan?.(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
    }] },
  }, data, root);
  const chart = {
    points: data[0].length,
    /** Show newer points of the same curves, whoever points at one keeps it; false where the curves are others. */
    update: (next, nextFromS, nextToS) => {
      if (looks(next) !== drawn) return false;
      [span.fromS, span.toS] = [nextFromS, nextToS];
      const newer = uPlot.join(tables(next));
      plot.setData(newer);
      chart.points = newer[0].length;
      return true;
    },
    resize: () => plot.setSize({ width: widthOf(root), height: HEIGHT_PX }),
    destroy: () => plot.destroy(),
  };
  return chart;
}

/** Return how many points a line of a chart in a room of so many pixels can show: one for each pixel of the screen. */
export function columnsIn(widthPx) {
  return Math.max(COLUMNS_MIN, Math.min(COLUMNS_MAX, Math.floor((widthPx - AXIS_PX - LABEL_PX - RIGHT_PX) * devicePixelRatio)));
}

function widthOf(root) {
  return Math.max(WIDTH_PX_MIN, root.clientWidth);
}

/** Return everything about curves but their points, and the ink beside them, as one text to compare. */
function looks(curves) {
  return JSON.stringify([token("ink-2"), curves.map(({ label, colour, low, points, hollow, size, width, dash }) =>
    [label, colour, Boolean(low), points, hollow, size, width, dash])]);
}

/** Return the columns of each line: of what was thinned out the edges first, then the curve itself. */
function tables(curves) {
  return curves.flatMap((curve) => [...(curve.low ? [[curve.x, curve.high, curve.low]] : []), [curve.x, curve.y]]);
}

/** Return the lines as uPlot wants them, in the order of their columns, and the bands between edges. */
function seriesOf(curves, unit) {
  const series = [{ label: unit.clock, value: (u, second) => (second === null || second === undefined ? "–" : when(second * 1000, "exact")) }];
  const bands = [];
  for (const curve of curves) {
    const paint = curve.colour;
    if (curve.low) {
      const edge = { stroke: paint, width: 0.5, points: { show: false }, spanGaps: false, alpha: 0.6 };
      series.push({ ...edge, label: `${curve.label} ${unit.highest}`, value: valueText });
      series.push({ ...edge, label: `${curve.label} ${unit.lowest}`, value: valueText });
      bands.push({ series: [series.length - 2, series.length - 1], fill: `${hex(paint)}38` });
    }
    series.push({
      label: curve.label, stroke: paint, width: curve.points === "only" ? 0 : (curve.width ?? 1.6), dash: curve.dash, spanGaps: false,
      paths: curve.points === "only" ? () => null : undefined,
      points: curve.points === "only"
        ? { show: true, size: curve.size ?? 8, stroke: paint, fill: curve.hollow ? token("panel") : paint, width: 2 }
        : curve.points === "none" ? { show: false } : { size: 5, fill: paint },
      value: valueText,
    });
  }
  return { series, bands };
}

function valueText(u, value) {
  return value === null || value === undefined ? "–" : decimal(String(Number(value.toPrecision(6))));
}

/** Return a colour as `#rrggbb`, so that a transparency can follow. */
function hex(colour) {
  return /^#[0-9a-f]{6}$/i.test(colour) ? colour : "#808080";
}
