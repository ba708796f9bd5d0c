// The API's records as the page uses them: one place that knows the names of fields, and what may be missing.

import { instantOf } from "./format.js";

export const HISTORY = 24;
export const WINDOW_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
export const COVERED_MIN = 0.75;
export const COVERED_GOOD = 0.9;

/** Return the key under which a figure is kept: indicator, window and scope. */
export function keyOf(item) {
  return `${item.indicator ?? item.code}|${item.window ?? "hour"}|${scopeOf(item)}`;
}

function scopeOf(item) {
  if (item.scope_kind && item.scope_kind !== "city" && !String(item.scope).includes(":")) return `${item.scope_kind}:${item.scope}`;
  return item.scope || "city";
}

/** Return a figure of an indicator as the page uses it. */
export function figureOf(item) {
  const scope = scopeOf(item);
  const startMs = instantOf(item.start);
  const window = item.window ?? "hour";
  const value = item.value ?? null;
  const coverage = item.coverage ?? (item.expected ? item.received / item.expected : null);
  return {
    key: keyOf(item),
    indicator: item.indicator ?? item.code,
    window,
    scope,
    zone: scope.startsWith("zone:") ? scope.slice(5) : null,
    startMs,
    value,
    unit: item.unit ?? "",
    band: item.band ?? 0,
    bandName: item.band_name ?? "",
    bandColour: item.band_colour ?? item.colour ?? "",
    driver: item.driver ?? "",
    received: item.received ?? null,
    expected: item.expected ?? null,
    coverage,
    revision: item.revision ?? 0,
    closed: item.closed ?? null,
    status: item.status ?? statusOf(item, value, coverage),
    computedMs: instantOf(item.computed),
    history: historyOf(item.history, startMs, window),
  };
}

function statusOf(item, value, coverage) {
  if (value === null) return "none";
  if (item.closed === false) return "open";
  return coverage !== null && coverage < COVERED_MIN ? "incomplete" : "valid";
}

/**
 * Return HISTORY numbers, oldest first, null where there was no figure; null where nothing of the past came along.
 *
 * Points without a result are left out by the server, so each finds its place by its time.
 */
function historyOf(points, startMs, window) {
  if (!Array.isArray(points) || startMs === null) return null;
  const numbers = Array(HISTORY).fill(null);
  for (const point of points) {
    const place = HISTORY - 1 - Math.round((startMs - instantOf(point.start)) / (WINDOW_MS[window] ?? 1));
    if (place >= 0 && place < HISTORY && point.value !== null) numbers[place] = Number(point.value);
  }
  return numbers;
}

/** Return the history of a figure after a new one came that brought none: shifted by the windows that passed. */
export function carriedOn(before, figure) {
  const history = before?.history ? before.history.slice() : Array(HISTORY).fill(null);
  const value = figure.value === null ? null : Number(figure.value);
  const length = WINDOW_MS[figure.window];
  const passed = before?.startMs !== undefined && before.startMs !== null && length
    ? Math.round((figure.startMs - before.startMs) / length) : 0;
  if (passed >= 0) {
    for (let i = 0; i < Math.min(passed, HISTORY); i += 1) history.push(null);
    history.splice(0, history.length - HISTORY);
    history[HISTORY - 1] = value;
  } else {
    history.splice(history.length + passed);
    while (history.length < HISTORY) history.unshift(null);
    history[HISTORY - 1] = value;
  }
  return history;
}

/** Return the end of a figure's window; the city's clock may make a day an hour longer, which an age does not show. */
export function endMs(figure) {
  return figure.startMs === null ? null : figure.startMs + (WINDOW_MS[figure.window] ?? 0);
}

/** Return how well a figure is covered in one word: low, fair, good or unknown; `least` is the least share that counts. */
export function covered(coverage, least = COVERED_MIN) {
  if (coverage === null || coverage === undefined) return "unknown";
  if (coverage < least) return "low";
  return coverage < COVERED_GOOD ? "fair" : "good";
}
