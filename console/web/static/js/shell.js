// The bar with the views and the line that says plainly how it stands with the connection and the data.

import { h, attribute, fill, setText, style } from "./dom.js";
import { remove } from "./api.js";
import { shape } from "./bands.js";
import { integer, span, when, zoneName } from "./format.js";
import { LANGUAGES, lang, setLanguage, t, titled } from "./i18n.js";
import { keep } from "./keepsake.js";
import { nowMs, on, state } from "./state.js";

export const VIEWS = ["wall", "map", "explore", "alerts", "health", "kpis"];

const LAMPS = { live: "circle", connecting: "none", stale: "triangle", behind: "triangle", disconnected: "star", signed_out: "square",
  database_away: "diamond" };

/** Build the bar; called anew when the language changes. */
export function buildBar(bar, { help }) {
  const city = h("strong");
  const about = h("span");
  const time = h("strong", { "data-testid": "clock" });
  const day = h("span");
  const count = h("span", { class: "count", hidden: true });
  const nav = h("nav", { "aria-label": t("shell.views") }, VIEWS.map((view, place) =>
    h("a", { href: `#/${view}`, "data-view": view, "data-testid": `nav-${view}`, title: t("shell.key", { key: place + 1 }) },
      t(`view.${view}`), view === "alerts" ? count : null)));
  const other = Object.keys(LANGUAGES).find((code) => code !== lang());
  const who = h("button", { type: "button", class: "quiet who", hidden: true, "data-testid": "sign-out", on: { click: signOut } });
  const settings = h("div", { class: "settings" }, who,
    h("button", { type: "button", class: "quiet", lang: other, "data-testid": "language", on: { click: () => setLanguage(other) } },
      LANGUAGES[other]),
    h("button", { type: "button", class: "quiet", "data-testid": "theme", "aria-label": t("shell.theme"), title: `${t("shell.theme")} (t)`,
      on: { click: switchTheme } }, "◐"),
    h("button", { type: "button", class: "quiet", "data-testid": "help", "aria-label": t("shell.help"), title: `${t("shell.help")} (?)`,
      on: { click: help } }, "?"));
  fill(bar, h("div", { class: "city" }, city, about), nav, h("div", { class: "clock" }, time, day), settings);

  const show = () => {
    setText(city, titled(state.city, "name") || "cityvitals");
    setText(about, state.city ? t("shell.about", { zones: integer(state.zones.length), version: state.city.version ?? "" }) : "");
  };
  const tick = () => {
    const now = nowMs();
    setText(time, when(now, "clock"));
    setText(day, `${when(now, "day")} · ${zoneName(now)}`);
  };
  const alerts = () => {
    const number = Object.values(state.alertsOpen ?? {}).reduce((sum, one) => sum + one, 0);
    attribute(count, "hidden", !number);
    setText(count, number ? integer(number) : "");
    attribute(count, "title", t("shell.alerts_open"));
    count.dataset.worst = ["critical", "warning", "info"].find((one) => state.alertsOpen?.[one]) ?? "";
  };
  const session = () => {
    attribute(who, "hidden", state.session?.how !== "session");
    setText(who, t("shell.sign_out"));
    attribute(who, "title", state.session?.who);
  };
  show();
  tick();
  alerts();
  session();
  const named = () => {
    show();
    tick(); // by the city's clock, once it is known
  };
  const ends = [on("city", named), on("tick", tick), on("status", alerts), on("session", session)];
  return () => ends.forEach((end) => end());
}

/** End the session of this page; what then stands here is the sign-in. */
async function signOut() {
  try {
    await remove("session");
  } catch {
    // Nobody answers, and the line at the top says so: then nobody was signed out.
    return;
  }
  location.reload();
}

/** Mark the view that is shown. */
export function markView(bar, name) {
  for (const link of bar.querySelectorAll("nav a")) attribute(link, "aria-current", link.dataset.view === name ? "page" : null);
}

/** Change between dark and light, and keep it. */
export function switchTheme() {
  const next = document.documentElement.dataset.theme === "light" ? "dark" : "light";
  document.documentElement.dataset.theme = next;
  keep("theme", next);
  dispatchEvent(new CustomEvent("themechange"));
}

/** Build the line of the connection; it speaks up when its state changes. */
export function buildStatus(root, announce) {
  const lamp = h("span", { class: "lamp" });
  const tell = h("span", { class: "tell" });
  const right = h("span", { class: "right", "data-testid": "ledger-line" });
  fill(root, lamp, tell, right);
  let said = null;
  const show = () => {
    const name = state.connection;
    if (root.dataset.state !== name || said !== `${name} ${lang()}`) {
      root.dataset.state = name;
      fill(lamp, shape(LAMPS[name]), t(`connection.${name}`));
      if (said !== null && name !== "connecting") announce(t(`connection.${name}`));
      said = `${name} ${lang()}`;
    }
    setText(tell, sentence(name));
    const ledger = ledgerLine();
    setText(right, ledger.text);
    right.classList.toggle("bad", ledger.bad);
  };
  show();
  const ends = [on("status", show), on("tick", show), on("city", show)];
  return () => ends.forEach((end) => end());
}

/** Say since when, and how old what is shown is. */
function sentence(name) {
  const now = nowMs();
  const parts = [];
  const at = (ms) => when(ms, now - ms > 20 * 3_600_000 ? "dayTime" : "time");
  if (name === "stale") parts.push(whyStale(now));
  else if (!["live", "behind", "connecting"].includes(name)) {
    parts.push(t("connection.since", { time: at(state.since), span: span((now - state.since) / 1000) }));
  }
  const toMs = state.dataToMs ?? state.heardToMs;
  if (toMs !== null) parts.push(t("connection.data_to", { time: at(toMs), span: span((now - toMs) / 1000) }));
  if (name === "disconnected" || name === "database_away") parts.push(t("connection.old_figures"));
  return parts.join(" · ");
}

function whyStale(now) {
  if (state.heardToMs === null) return t("connection.no_gateway");
  if (state.stopped) return t("connection.stopped");
  return t("connection.heard", { span: span((now - state.heardToMs) / 1000) });
}

function ledgerLine() {
  const ledger = state.ledger;
  if (!ledger || ledger.received === undefined) return { text: "", bad: false };
  const balances = ledger.balances ?? ledger.received === ledger.accepted + ledger.duplicate + ledger.quarantined;
  const words = balances ? "ledger.line" : "ledger.line_bad";
  return { text: t(words, { received: integer(ledger.received), quarantined: integer(ledger.quarantined - (ledger.replayed ?? 0)) }), bad: !balances };
}

/** Switch the full-screen mode of a wall on and off. */
export async function switchWallMode() {
  const root = document.documentElement;
  const on = root.toggleAttribute("data-wall");
  style(root, "--wall", on ? "1" : "");
  try {
    if (on && !document.fullscreenElement) await root.requestFullscreen();
    else if (!on && document.fullscreenElement) await document.exitFullscreen();
  } catch {
    // A browser may forbid it; the page has its large form all the same.
  }
}
