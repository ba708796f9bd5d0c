// Starts the page: state, bar, keys and the view that the address names. Knows which views there are; each knows itself.

import { h, fill, setText } from "./dom.js";
import { onLanguage, t, titled } from "./i18n.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import { buildBar, buildStatus, markView, VIEWS } from "./shell.js";
import { nowMs, on, state, tell } from "./state.js";

const BEAT_MS = 1_000;
const SLEPT_MS = 20_000; // a beat so much too late: the machine slept, and everything is old

const main = document.getElementById("main");
const bar = document.getElementById("bar");
const announcer = document.getElementById("announcer");
const MODULES = {
  wall: () => import("./views/wall.js"),
  map: () => import("./views/map.js"),
  explore: () => import("./views/explore.js"),
  alerts: () => import("./views/alerts.js"),
  health: () => import("./views/health.js"),
  kpis: () => import("./views/kpis.js"),
};

let leave = () => {};
let shown = { view: "", query: "" };
let turn = 0;

/** Return the view and the parameters that the address names. */
function asked() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const view = VIEWS.includes(path) ? path : "wall";
  return { view, query };
}

function title(view) {
  return `${t(`view.${view}`)} · ${titled(state.city, "name") || "cityvitals"}`;
}

async function route({ anew = false } = {}) {
  const wanted = asked();
  if (!anew && wanted.view === shown.view && wanted.query === shown.query) return;
  const first = shown.view === "";
  const same = wanted.view === shown.view;
  shown = wanted;
  const mine = ++turn;
  markView(bar, wanted.view);
  document.title = title(wanted.view);
  let module;
  try {
    module = await MODULES[wanted.view]();
  } catch {
    if (mine === turn) fill(main, h("p", { class: "notice error" }, t("view.failed")));
    return;
  }
  if (mine !== turn) return;
  leave();
  leave = () => {};
  main.className = `view-${wanted.view}`;
  main.dataset.testid = `view-${wanted.view}`;
  fill(main, wanted.view === "wall" ? h("h1", { class: "visually-hidden" }, t("view.wall")) : h("h1", {}, t(`view.${wanted.view}`)));
  const room = h("div", { class: "stack room" });
  main.append(room);
  leave = module.mount(room, new URLSearchParams(wanted.query), { replaceQuery }) ?? (() => {});
  // Who goes from view to view by keyboard goes on inside the new one.
  if (!first && !same && !anew) main.focus({ preventScroll: true });
}

/** Change the parameters of the address without a new view: what is shown can be passed on as a link. */
function replaceQuery(query) {
  const text = query.toString();
  shown = { ...shown, query: text };
  history.replaceState(null, "", `#/${shown.view}${text ? `?${text}` : ""}`);
}

/** Say something to those who listen to the page. */
function announce(text) {
  setText(announcer, text);
}

let ends = [];
function build() {
  ends.forEach((end) => end());
  ends = [buildBar(bar, { help }), buildStatus(document.getElementById("status"), announce)];
  setText(document.getElementById("skip"), t("shell.skip"));
  markView(bar, shown.view);
}

const help = keys.listen({ refresh: live.refresh });
build();
onLanguage(() => {
  build();
  route({ anew: true });
});
addEventListener("hashchange", () => route());
on("city", () => {
  document.title = title(shown.view || "wall");
});
route();
live.start();

let beaten = Date.now();
function beat() {
  const late = Date.now() - beaten - BEAT_MS;
  beaten = Date.now();
  // A hidden page is given a beat a minute by its browser: that is no sleep, and it hears events all the while.
  if (late > SLEPT_MS && !document.hidden) live.refresh();
  else live.beat();
  tell("tick", nowMs());
  // On the second: the clock then never skips one.
  setTimeout(beat, BEAT_MS - (Date.now() % BEAT_MS));
}
beat();
addEventListener("online", () => live.refresh());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) live.seen();
});
