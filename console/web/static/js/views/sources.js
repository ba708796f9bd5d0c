// What can be explored: indicators by scope, series by device; and how their points are asked for. Knows the API's paths
// and shapes of points; draws nothing.

import { address, get, list } from "../api.js";
import { strokes, withGaps } from "../chart.js";
import { instantOf, span, unitText } from "../format.js";
import { t, titled } from "../i18n.js";
import { definitionOf, state, zoneOf } from "../state.js";
import { worstFirst } from "./worst.js";

const RAW_MS_MAX = 12 * 3_600_000; // up to here every single reading is drawn, beyond it columns of their minutes
const RAW_MAX = 10_000;
const VALUES_MAX = 20_000;
const DEVICES_MAX = 5_000;
export const LENGTH_S = { minute: 60, hour: 3_600, day: 86_400 };

/** Return a source from its text in the address: `i:code/window/scope` or `s:device/field`; null for anything else. */
export function sourceOf(text) {
  const [kind, rest] = [text.slice(0, 2), text.slice(2)];
  const parts = rest.split("/");
  if (kind === "i:" && parts.length >= 3) {
    return { id: text, kind: "indicator", indicator: parts[0], window: parts[1], scope: parts.slice(2).join("/") };
  }
  if (kind === "s:" && parts.length >= 2) return { id: text, kind: "series", device: parts[0], field: parts.slice(1).join("/") };
  return null;
}

/** Return what a source is called. */
export function sourceTitle(source) {
  if (source.kind === "series") return `${source.device} · ${source.field}`;
  const title = titled(definitionOf(source)) || source.indicator;
  return `${scopeTitle(source.scope)} · ${title} · ${t(`window.${source.window}`)}`;
}

/** Return what a scope is called. */
export function scopeTitle(scope) {
  if (scope === "city") return t("scope.city");
  return titled(zoneOf(scope)) || scope.replace(/^(zone|station|gateway|model):/, "");
}

/** Return the indicators that can be chosen: those that have a figure; each `{id, text, kind}`. */
export function indicatorChoices() {
  return [...state.figures.values()].map((figure) => {
    const source = { kind: "indicator", indicator: figure.indicator, window: figure.window, scope: figure.scope };
    return { id: `i:${figure.indicator}/${figure.window}/${figure.scope}`, kind: "indicator", text: sourceTitle(source) };
  });
}

/**
 * Return what is drawn where nobody chose anything: the worst hourly figure, and of its zone a series of what decided it.
 *
 * @param series a promise of `seriesChoices`.
 */
export async function beginning(series) {
  const worst = worstFirst([...state.figures.values()].filter((one) => one.window === "hour" && one.value !== null))[0];
  if (!worst) return [];
  const inside = (await series).filter((one) => !worst.zone || one.zone === worst.zone);
  const decides = worst.driver.split(",")[0].trim();
  const made = inside.find((one) => one.measurand === decides) ?? inside[0];
  return [`i:${worst.indicator}/${worst.window}/${worst.scope}`, ...(made ? [made.id] : [])];
}

/** Return the series of all devices that can be chosen. Throws ApiError. */
export async function seriesChoices(signal) {
  const devices = await list("devices", {}, { signal, most: DEVICES_MAX });
  return devices.items.flatMap((device) => device.series.map((one) =>
    ({ id: `s:${device.code}/${one.field}`, kind: "series", text: `${device.code} · ${one.field} · ${device.title}`,
      zone: device.zone, measurand: one.measurand })));
}

/**
 * Return the curves of a source over a span, each `{label, unit, x, y, low?, high?, grid, ...}`.
 *
 * @param span `{fromMs, toMs, knownAt}`.
 * @param grids of raw, hour and day those that are wanted; an indicator has its own window.
 * @param columns as many points as pixels can show.
 */
export async function curvesOf(source, span, grids, columns, signal) {
  if (source.kind === "indicator") return indicatorCurves(source, span, signal);
  const wanted = await Promise.all(grids.map((grid) => seriesCurve(source, span, grid, columns, signal)));
  return wanted.filter(Boolean);
}

function params(span) {
  return { from: new Date(span.fromMs).toISOString(), to: new Date(span.toMs).toISOString() };
}

async function indicatorCurves(source, span, signal) {
  const path = `indicators/${source.indicator}/${source.window}`;
  const asked = { ...params(span), scope: source.scope };
  const { items, more } = await list(`${path}/values`, { ...asked, known_at: span.knownAt }, { signal, most: VALUES_MAX, page: 10_000 });
  const windows = items.map((item) => ({ ...item, t: instantOf(item.start) / 1000, value: item.value === null ? null : Number(item.value) }))
    .sort((a, b) => a.t - b.t);
  const definition = definitionOf(source);
  const unit = unitText(definition?.symbol || items[0]?.unit || definition?.unit) || t("explore.index");
  const label = sourceTitle(source);
  const [x, y] = strokes(windows, LENGTH_S[source.window]);
  const curves = [{ label, unit, x, y, points: "none", width: 2, grid: source.window, source }];
  const weak = windows.filter((one) => one.status === "incomplete" && one.value !== null);
  if (weak.length) curves.push(marks(weak, source, unit, `${label}: ${t("status.incomplete")}`, { hollow: true, token: "bad" }));
  const replaced = span.knownAt ? [] : await revisions(path, asked, signal);
  const stands = new Map(windows.map((one) => [one.t, one.value]));
  const seen = [...new Map(replaced.map((one) => [one.t, one])).values()].filter((one) => stands.get(one.t) !== undefined && stands.get(one.t) !== null);
  if (seen.length) {
    curves.push(marks(seen.map((one) => ({ t: one.t, value: stands.get(one.t) })).sort((a, b) => a.t - b.t), source, unit,
      `${label}: ${t("explore.revised")}`, { token: "warn", size: 10 }));
  }
  curves[0].revisions = replaced;
  curves[0].more = more;
  return curves;
}

function marks(windows, source, unit, label, look) {
  const half = LENGTH_S[source.window] / 2;
  return { label, unit, x: windows.map((one) => one.t + half), y: windows.map((one) => one.value), points: "only", source, ...look };
}

async function revisions(path, asked, signal) {
  try {
    const { items } = await list(`${path}/revisions`, asked, { signal, most: 1_000 });
    return items.map((item) => ({ ...item, t: instantOf(item.start) / 1000 }));
  } catch (error) {
    if (error.missing) return []; // this server keeps no word of what was replaced
    throw error;
  }
}

async function seriesCurve(source, span, grid, columns, signal) {
  const path = `series/${encodeURIComponent(source.device)}/${encodeURIComponent(source.field)}`;
  const label = `${sourceTitle(source)} · ${t(`grid.${grid}`)}`;
  if (grid === "raw" && span.toMs - span.fromMs <= RAW_MS_MAX) {
    const { items, more } = await list(`${path}/observations`, params(span), { signal, most: RAW_MAX, page: RAW_MAX });
    if (!more) {
      const points = items.filter((one) => one.value !== null).map((one) => [instantOf(one.time) / 1000, Number(one.value)]).sort((a, b) => a[0] - b[0]);
      const [x, y] = withGaps(points.map((one) => one[0]), [points.map((one) => one[1])]);
      return { label, unit: await readingUnit(source, signal), x, y, grid, source, width: 1.2 };
    }
  }
  const answer = await get(`${path}/windows`, { ...params(span), grid: grid === "raw" ? "minute" : grid, points: columns }, { signal });
  return columnCurve(answer, label, grid, source);
}

/** Return the unit of single readings; a meter's readings stand by themselves, for its register is no consumption. */
async function readingUnit(source, signal) {
  const series = await get(`series/${encodeURIComponent(source.device)}/${encodeURIComponent(source.field)}`, {}, { signal });
  const unit = unitText(series.symbol || series.unit) || t("explore.index");
  return series.kind === "counter" ? t("explore.register", { unit }) : series.kind === "state" ? t("explore.states", { names: series.states.join(", ") }) : unit;
}

/**
 * Return a curve from columns: arrays `t`, `low`, `high`, `mean`, `total`, `state`, `count`. What is counted has totals of a
 * column instead of a mean, a state the share of the time that it was in its first one.
 */
function columnCurve(answer, label, grid, source) {
  const { t: times, step_s: step } = answer;
  const symbol = unitText(answer.symbol || answer.unit) || t("explore.index");
  const isTotal = answer.kind === "counter" || answer.kind === "event";
  const isState = answer.kind === "state";
  const y = isTotal ? answer.total : isState ? answer.state.map((shares) => (shares ? 1 - shares[0] : null)) : answer.mean;
  const unit = isState ? t("explore.share", { state: answer.states[0] ?? "" }) : isTotal
    ? t("explore.per", { unit: symbol, span: span(step) }) : symbol;
  const look = { label, unit, grid, source, points: "none" };
  if (isTotal || isState || (grid !== "raw" && step <= LENGTH_S[grid])) {
    const [x, values] = strokes(times.map((second, i) => ({ t: second, value: y[i] })), step);
    return { ...look, x, y: values, width: grid === "day" ? 2.4 : 1.8 };
  }
  const thinned = answer.count.some((count) => count > 1);
  const [x, mean, low, high] = withGaps(times, [y, answer.low, answer.high], step);
  return thinned ? { ...look, x, y: mean, low, high, width: 1.4 } : { ...look, points: undefined, x, y: mean, width: 1.2 };
}

/** Return the addresses at which a source can be had as a file: `{text, href}`. */
export function exportsOf(source, span, grids) {
  const files = (path, name, more = {}) => ["csv", "jsonl"].map((format) => ({
    text: `${name} ${format.toUpperCase()}`, href: address(path, { ...params(span), ...more, format, limit: RAW_MAX }),
  }));
  if (source.kind === "indicator") {
    return files(`indicators/${source.indicator}/${source.window}/values`, t(`window.${source.window}`), { scope: source.scope, known_at: span.knownAt });
  }
  const path = `series/${encodeURIComponent(source.device)}/${encodeURIComponent(source.field)}`;
  return grids.flatMap((grid) => (grid === "raw" ? files(`${path}/observations`, t("grid.raw")) : files(`${path}/windows`, t(`grid.${grid}`), { grid })));
}

