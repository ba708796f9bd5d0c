// Keeps the page's state up to date: what it asks for at the start, the stream of events, and asking by itself where there
// is no stream. Knows the API's paths and the state; knows no view.

import { get, itemsOf } from "./api.js";
import { Stream } from "./stream.js";
import {
  changeFigures, nowMs, setCity, setConnection, setDataTo, setDefinitions, setFigures, setNow,
  setSession, state, tell,
} from "./state.js";

const ASK_MS = 5_000; // between two looks where the server has no stream
const RECONCILE_MS = 300_000; // the past of every figure is read anew: late readings may have changed it
const BASICS_MS = 60_000; // city, zones and definitions: a gateway may have stopped
const STALE_MS = 15 * 60_000; // data older than this is said to be old, unless the server names another span
const AFTER_MS = 1_000;

const due = { basics: 0, figures: 0 };
const asking = new Set();
let streaming = false;
let database = "ok";
let lastState = "connecting";
let signedOut = false;
let reached; // whether the last question was answered

const stream = new Stream(new URL("api/v1/live", document.baseURI).href, {
  event: take,
  state: connection,
});

/** Begin; from then on the state keeps itself up to date. */
export function start() {
  stream.start();
  beat();
}

/** Take everything anew at once: after sleep, after the network came back. */
export function refresh() {
  due.basics = 0;
  due.figures = 0;
  stream.again();
  beat();
}

/** Do what is due; called every second. */
export function beat() {
  const now = Date.now();
  if (now >= due.basics) once("basics", askBasics);
  if (now >= due.figures) once("figures", askFigures);
  judge();
}

async function once(name, ask) {
  if (asking.has(name)) return;
  asking.add(name);
  try {
    await ask();
  } finally {
    asking.delete(name);
  }
}

async function askBasics() {
  due.basics = Date.now() + ASK_MS;
  try {
    const [city, zones, definitions, session] = await Promise.all([
      get("city"), get("zones"), get("indicators"), get("session").catch(unlessMissing),
    ]);
    setSession(session);
    state.zones = itemsOf(zones);
    setDefinitions(itemsOf(definitions));
    setCity(city);
    due.basics = Date.now() + BASICS_MS;
    answered();
  } catch (error) {
    failed(error);
  }
}

function unlessMissing(error) {
  if (error.missing) return null;
  throw error;
}

async function askFigures() {
  due.figures = Date.now() + ASK_MS;
  try {
    setFigures(itemsOf(await get("indicators/latest", { scope_kind: "city,zone" })));
    due.figures = Date.now() + (streaming ? RECONCILE_MS : ASK_MS);
    answered();
  } catch (error) {
    failed(error);
  }
}

function take(event) {
  let body;
  try {
    body = JSON.parse(event.data);
  } catch {
    return; // no event of ours
  }
  state.heardMs = nowMs();
  if (event.type === "snapshot") snapshot(body);
  else if (event.type === "values") values(body);
  else if (event.type === "alerts") tell("alerts", itemsOf(body));
  else if (event.type === "state") serverState(body);
  judge();
}

function snapshot(body) {
  // A snapshot has no history: what is known of the past is carried on, and read anew soon.
  setFigures(itemsOf(body));
  due.figures = Math.min(due.figures, Date.now() + AFTER_MS);
  if (body.state) serverState(body.state);
}

function values(body) {
  const items = itemsOf(body);
  const newWindow = items.some((item) => !state.figures.has(`${item.indicator}|${item.window}|${item.scope}`));
  changeFigures(items);
  if (newWindow) due.figures = Math.min(due.figures, Date.now() + AFTER_MS);
  setDataTo(body.data_to);
}

function serverState(body) {
  if (body.now) setNow(body.now);
  database = body.database ?? "ok";
  setDataTo(body.data_to);
  if (body.ledger) state.ledger = body.ledger;
  if (body.lag_s !== undefined) state.lagS = body.lag_s;
  if (body.alerts_open !== undefined) state.alertsOpen = body.alerts_open;
  tell("status");
}

function connection(name) {
  const wasOpen = streaming;
  streaming = name === "open";
  if (name !== "connecting") lastState = name;
  if (name === "closed") {
    // Until the server answers a question nothing is known of it.
    reached = false;
    due.figures = Math.min(due.figures, Date.now() + AFTER_MS);
  }
  if (streaming && !wasOpen) due.figures = Math.min(due.figures, Date.now());
  if (streaming) state.heardMs = nowMs();
  judge();
}

function answered() {
  signedOut = false;
  state.heardMs = nowMs();
  reached = true;
  if (database !== "ok" && !streaming) database = "ok";
  judge();
}

function failed(error) {
  signedOut = error.status === 401;
  if (error.kind === "database-away") database = "away";
  if (error.away) reached = false;
  judge();
}

/** Say in one word how it stands with the connection. */
function judge() {
  const staleMs = (state.city?.stale_s ?? 0) * 1000 || STALE_MS;
  const toMs = state.dataToMs ?? state.heardToMs;
  const old = state.stopped || (toMs !== null && nowMs() - toMs > staleMs);
  if (signedOut) setConnection("signed_out");
  else if (!navigator.onLine && !streaming) setConnection("disconnected");
  else if (streaming || (reached && lastState !== "connecting")) {
    setConnection(database !== "ok" ? "database_away" : old ? "stale" : "live");
  } else if (reached === undefined && lastState === "connecting") setConnection("connecting");
  else if (database !== "ok" && reached) setConnection("database_away");
  else if (lastState === "closed" || lastState === "missing") setConnection("disconnected");
  else setConnection(state.connection);
}
