// What the page knows at this moment, and who wants to hear of changes. Bounded: a key that comes new beyond the limit
// is left out and counted. Knows records, not where they come from nor how they look.

import { instantOf, setZone } from "./format.js";
import { carriedOn, figureOf, keyOf } from "./records.js";

const FIGURES_MAX = 20_000;

export const state = {
  city: null,
  named: null, // the city's name as it was last told to everybody
  zones: [],
  definitions: new Map(), // "code|window" -> definition, in the catalogue's order
  figures: new Map(), // key -> figure
  leftOut: 0, // of the newest full list
  connection: "connecting", // connecting, live, behind, stale, disconnected, database_away, signed_out
  since: Date.now(),
  stopped: false, // whether the gateway was stopped in form
  heardToMs: null, // everything that arrived before is known
  dataToMs: null, // up to when the figures have their data
  ledger: null,
  streaming: false, // whether changes are told as they come
  alertsOpen: null, // how many alerts stand and are not shelved, by severity
  offsetMs: 0, // server's clock minus ours
  session: null, // who asks and what they may do; null before it is known
};

const bus = new EventTarget();

/** Be told of `kind`; returns how to stop that. */
export function on(kind, listener) {
  const wrapped = (event) => listener(event.detail);
  bus.addEventListener(kind, wrapped);
  return () => bus.removeEventListener(kind, wrapped);
}

/** Tell everybody of a change. Kinds: city, session, definitions, figures, status, alerts, tick. */
export function tell(kind, detail) {
  bus.dispatchEvent(new CustomEvent(kind, { detail }));
}

/** Return the present by the server's clock: a browser's may be wrong by hours. */
export function nowMs() {
  return Date.now() + state.offsetMs;
}

/** Take the server's time as the present. */
export function setNow(text) {
  const ms = instantOf(text);
  // Below two seconds it is the way of the answer and no wrong clock.
  if (ms !== null) state.offsetMs = Math.abs(ms - Date.now()) < 2000 ? 0 : ms - Date.now();
}

/** Take what the server says of the city. */
export function setCity(city) {
  state.city = city;
  setZone(city.time_zone ?? "UTC");
  if (city.now) setNow(city.now);
  state.stopped = city.stopped === true;
  state.heardToMs = instantOf(city.heard_to);
  state.dataToMs = instantOf(city.data_to);
  const named = state.named !== city.name;
  state.named = city.name;
  if (named) tell("city");
  tell("status");
}

/** Take the zones. */
export function setZones(zones) {
  state.zones = zones;
  tell("city");
}

/** Take who asks and what they may do. */
export function setSession(session) {
  state.session = session;
  tell("session");
}

/** Say whether who asks may handle alerts. */
export function mayHandleAlerts() {
  return state.session?.rights.includes("handle alerts") ?? false;
}

/** Take the definitions of indicators. */
export function setDefinitions(items) {
  state.definitions = new Map(items.map((one, place) => [`${one.code}|${one.window}`, { ...one, place }]));
  tell("definitions");
}

/** Return the definition of a figure; undefined for one that this server does not define. */
export function definitionOf(figure) {
  return state.definitions.get(`${figure.indicator}|${figure.window}`);
}

/** Return the zone of a scope such as `zone:harbour`; undefined for the city and for a zone that nobody knows. */
export function zoneOf(scope) {
  return scope.startsWith("zone:") ? state.zones.find((one) => one.code === scope.slice(5)) : undefined;
}

/** Take all figures anew. Of the windows that are among them, those that are no longer there go. */
export function setFigures(items) {
  takeFigures(items);
  const there = new Set();
  const windows = new Set();
  for (const item of items) {
    there.add(keyOf(item));
    windows.add(item.window ?? "hour");
  }
  for (const [key, figure] of state.figures) {
    if (windows.has(figure.window) && !there.has(key)) state.figures.delete(key);
  }
  state.leftOut = [...there].filter((key) => !state.figures.has(key)).length;
  tell("figures", { changed: [...state.figures.values()], all: true });
}

/** Take the figures that changed. */
export function changeFigures(items) {
  const changed = takeFigures(items);
  if (changed.length) tell("figures", { changed, all: false });
}

function takeFigures(items) {
  const changed = [];
  for (const item of items) {
    const figure = figureOf(item);
    const before = state.figures.get(figure.key);
    if (!before && state.figures.size >= FIGURES_MAX) continue;
    figure.history ??= carriedOn(before, figure);
    if (before && before.value !== figure.value) figure.changedMs = nowMs();
    else figure.changedMs = before?.changedMs ?? null;
    const same = before && before.value === figure.value && before.startMs === figure.startMs
      && before.received === figure.received && before.status === figure.status && before.revision === figure.revision;
    state.figures.set(figure.key, figure);
    if (!same) changed.push(figure);
  }
  return changed;
}

/** Change the state of the connection; its beginning is kept. */
export function setConnection(name) {
  if (state.connection !== name) {
    state.connection = name;
    state.since = nowMs();
    document.documentElement.dataset.connection = name;
  }
  tell("status");
}
