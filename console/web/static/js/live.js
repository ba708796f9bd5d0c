// Keeps the page's state up to date: what it asks for at the start, the stream of events, and asking by itself where there
// is no stream. Knows the API's paths and the state; knows no view.

import { get, itemsOf } from "./api.js";
import { Stream } from "./stream.js";
import {
  changeFigures, nowMs, setCity, setConnection, setDefinitions, setFigures, setNow, setSession, setZones, state, tell,
} from "./state.js";

const ASK_MS = 5_000; // between two looks where the server has no stream
const RECONCILE_MS = 300_000; // the past of every figure is read anew: late readings may have changed it
const BASICS_MS = 900_000; // who asks, zones and definitions
const CITY_MS = 30_000; // how far the gateway is, and whether it runs
const HEARD_MS_MAX = 180_000; // a gateway that heard nothing for longer is away, or cannot hear
const DATA_MS_MAX = 3 * 3_600_000; // stations that report hourly and late are no news; data older than this are
const AFTER_MS = 1_000;
const QUIET_MS_MAX = 20_000; // without so much as a comment, which comes every 15 s

const due = { basics: 0, city: 0, figures: 0 };
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
  for (const name of Object.keys(due)) due[name] = 0;
  stream.again();
  beat();
}

/** The page is looked at again: what it could not hear meanwhile is taken anew. */
export function seen() {
  if (Date.now() - stream.heardMs > QUIET_MS_MAX) refresh();
  else beat();
}

/** Do what is due; called every second. */
export function beat() {
  const now = Date.now();
  if (now >= due.city) once("city", askCity);
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

async function askCity() {
  due.city = Date.now() + ASK_MS;
  try {
    setCity(await get("city"));
    due.city = Date.now() + CITY_MS;
    answered();
  } catch (error) {
    failed(error);
  }
}

async function askBasics() {
  due.basics = Date.now() + ASK_MS;
  try {
    const [session, zones, definitions] = await Promise.all([get("session"), get("zones"), get("indicators")]);
    setSession(session);
    setZones(itemsOf(zones));
    setDefinitions(itemsOf(definitions));
    due.basics = Date.now() + BASICS_MS;
    answered();
  } catch (error) {
    failed(error);
  }
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
}

function serverState(body) {
  if (body.now) setNow(body.now);
  database = body.database ?? "ok";
  if (body.ledger) state.ledger = body.ledger;
  if (body.alerts_open !== undefined) state.alertsOpen = body.alerts_open;
  tell("status");
}

function connection(name) {
  const wasOpen = streaming;
  streaming = name === "open";
  state.streaming = streaming;
  if (name !== "connecting") lastState = name;
  if (name === "closed") {
    // Until the server answers a question nothing is known of it.
    reached = false;
    due.figures = Math.min(due.figures, Date.now() + AFTER_MS);
  }
  if (streaming && !wasOpen) due.figures = Math.min(due.figures, Date.now());
  judge();
}

function answered() {
  signedOut = false;
  reached = true;
  if (database !== "ok" && !streaming) database = "ok";
  judge();
}

function failed(error) {
  signedOut = error.status === 401;
  if (error.kind === "database-away") database = "away";
  reached = !error.away;
  judge();
}

/** Say in one word how it stands with the connection. */
function judge() {
  const now = nowMs();
  const { city, heardToMs, dataToMs } = state;
  // Without a gateway nothing new can come, however new the figures are.
  const deaf = city !== null && (state.stopped || heardToMs === null || now - heardToMs > HEARD_MS_MAX);
  const old = dataToMs !== null && now - dataToMs > DATA_MS_MAX;
  if (signedOut) setConnection("signed_out");
  else if (!streaming && (!navigator.onLine || reached === false)) setConnection("disconnected");
  else if (database !== "ok") setConnection("database_away");
  else if (city === null || (!streaming && lastState === "connecting")) setConnection("connecting");
  else setConnection(deaf ? "stale" : old ? "behind" : "live");
}
