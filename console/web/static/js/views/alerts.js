// Alerts: what stands and since when, what people did about it; and for those who may, doing it.

import { h, fill, setText } from "../dom.js";
import { get, list, post } from "../api.js";
import { shape } from "../bands.js";
import { decimal, instantOf, integer, span, unitText, when } from "../format.js";
import { lang, t, titled } from "../i18n.js";
import { definitionOf, mayHandleAlerts, nowMs, on, state } from "../state.js";
import { facts, loader, settled, trouble } from "./parts.js";
import { scopeTitle } from "./sources.js";

const STATES = ["standing", "open", "acknowledged", "shelved", "cleared"];
const SEVERITIES = { critical: "star", warning: "triangle", info: "circle" };
const LOOK_MS = 15_000; // where no event says that something changed
const LOOK_TOLD_MS = 60_000; // where one does: a shelf ends without a word, and times go on
const SHOWN_MAX = 300;
const SHELVE_MIN = [15, 60, 240, 1_440];

/** Show the view in `root`; returns how to leave it. */
export function mount(root, query, { replaceQuery }) {
  const view = new Alerts(root, query, replaceQuery);
  const ends = [on("alerts", settled(() => view.load(), 300)), on("tick", () => view.tick()), on("session", () => view.draw())];
  return () => {
    ends.forEach((end) => end());
    view.ask.end();
  };
}

class Alerts {
  constructor(root, query, replaceQuery) {
    this.replaceQuery = replaceQuery;
    this.state = STATES.includes(query.get("state")) ? query.get("state") : "standing";
    this.severity = query.get("severity") in SEVERITIES ? query.get("severity") : "";
    this.open = new Map(); // id -> what was told of it
    this.said = h("p", { role: "status", class: "small" });
    this.rows = h("div", { class: "stack", "data-testid": "alerts" });
    this.ask = loader(this.rows, (found) => {
      this.found = found;
      this.draw();
    });
    const choose = (name, values, chosen) => h("label", { class: "field" }, t(`alerts.${name}`), h("select", {
      "data-testid": `alerts-${name}`, on: { change: (event) => {
        this[name] = event.target.value;
        this.replaceQuery(new URLSearchParams({ state: this.state, severity: this.severity }));
        this.load();
      } },
    }, values.map(([value, text]) => h("option", { value, selected: value === chosen }, text))));
    fill(root, h("div", { class: "tools" },
      choose("state", STATES.map((one) => [one, t(`alerts.state.${one}`)]), this.state),
      choose("severity", [["", t("alerts.any")], ...Object.keys(SEVERITIES).map((one) => [one, t(`severity.${one}`)])], this.severity)),
    this.said, this.rows);
    this.load();
  }

  load() {
    this.askedMs = Date.now();
    this.ask((signal) => list("alerts", { state: this.state, severity: this.severity }, { signal, most: SHOWN_MAX, page: 100 }));
  }

  tick() {
    const look = state.streaming ? LOOK_TOLD_MS : LOOK_MS;
    if (!document.hidden && Date.now() - this.askedMs > look && !this.rows.contains(document.activeElement)) this.load();
  }

  draw() {
    if (!this.found) return;
    const { items, more } = this.found;
    const typed = kept(this.rows);
    fill(this.rows, items.length ? null : h("p", { class: "empty panel" }, t("alerts.nothing")),
      items.map((one) => this.#card(one)), more ? h("p", { class: "notice" }, t("alerts.more", { n: SHOWN_MAX })) : null);
    restore(typed);
  }

  #card(one) {
    const { id, severity, state: stands } = one;
    const number = numberText(one.value, one.unit);
    const limit = numberText(one.limit, one.unit);
    const details = h("details", { open: this.open.has(id) }, h("summary", { id: `alert-more-${id}` }, t("alerts.trail")), this.open.get(id) ?? h("div"));
    details.addEventListener("toggle", () => this.#trail(details, id));
    return h("article", { class: `panel stack alert severity-${severity}`, "data-testid": "alert", dataset: { state: stands, id } },
      h("header", { class: "row spread" },
        h("span", { class: "row" }, h("span", { class: "severity row" }, shape(SEVERITIES[severity] ?? "circle"), t(`severity.${severity}`)),
          h("h2", { title: one.title }, titleOf(one)), h("span", { class: "soft" }, scopeTitle(one.scope)),
          one.grouped ? h("span", { class: "word warn" }, t("alerts.storm", { n: integer(one.members) })) : null),
        h("span", { class: "row" }, h("span", { class: "soft" }, lasted(one)),
          h("span", { class: `word ${stands === "open" ? "bad" : stands === "cleared" ? "good" : ""}` }, t(`alerts.state.${stands}`)))),
      h("p", { class: "soft" }, titled(one, "detail")),
      facts([
        [t("alerts.value"), number === null ? null : limit === null ? number : t("alerts.against", { value: number, limit })],
        [t("alerts.since"), `${when(one.opened)}${one.cleared === null ? "" : ` – ${when(one.cleared)}`}`],
        [t("alerts.examples"), one.examples.join(", ")],
        [t("alerts.acknowledged_by"), one.acknowledged_by],
        [t("alerts.shelved_until"), stands === "shelved" ? [when(one.shelved_until), one.shelved_by].filter(Boolean).join(" · ") : null],
        [t("alerts.escalated"), one.escalated ? when(one.escalated) : null],
        [t("alerts.cause"), one.cause && titled(one, "cause")],
        [t("alerts.rule"), h("code", {}, one.rule)],
      ]),
      this.#actions(one, id), details);
  }

  #actions(one, id) {
    if (!mayHandleAlerts() || one.state === "cleared") return null;
    const button = (name, body, text) => h("button", { type: "button", id: `alert-${name}-${id}`, "data-testid": `alert-${name}`,
      on: { click: () => this.#act(id, name, body()) } }, text);
    const minutes = h("select", { "aria-label": t("alerts.how_long"), id: `alert-minutes-${id}` },
      SHELVE_MIN.map((one) => h("option", { value: one }, span(one * 60))));
    const words = h("input", { type: "text", placeholder: t("alerts.comment_words"), "aria-label": t("alerts.comment_words"), maxlength: 1000,
      id: `alert-words-${id}`, "data-testid": "alert-words" });
    const said = () => (words.value.trim() ? { comment: words.value.trim() } : {});
    return h("div", { class: "row actions" },
      one.state === "open" ? button("acknowledge", said, t("alerts.acknowledge")) : null,
      one.state === "shelved" ? button("unshelve", said, t("alerts.unshelve"))
        : [minutes, button("shelve", () => ({ minutes: Number(minutes.value), ...said() }), t("alerts.shelve"))],
      words, button("comment", () => ({ comment: words.value.trim() }), t("alerts.comment")));
  }

  async #act(id, name, body) {
    if (name === "comment" && !body.comment) {
      setText(this.said, t("alerts.no_words"));
      document.getElementById(`alert-words-${id}`)?.focus();
      return;
    }
    try {
      await post(`alerts/${encodeURIComponent(id)}/${name}`, body);
      setText(this.said, t(`alerts.done.${name}`));
      document.getElementById(`alert-words-${id}`).value = "";
      this.open.delete(id);
      this.load();
    } catch (error) {
      fill(this.said, trouble(error));
    }
  }

  async #trail(details, id) {
    const box = details.lastElementChild;
    if (!details.open) {
      this.open.delete(id);
      return;
    }
    if (this.open.has(id)) return;
    this.open.set(id, box);
    try {
      const { events } = await get(`alerts/${encodeURIComponent(id)}`);
      fill(box, events.length ? h("ol", { class: "plain trail" }, events.map((one) => h("li", {},
        h("time", { class: "muted" }, when(one.at, "exact")), " ", h("strong", {}, t(`alerts.event.${one.event}`)), " ",
        one.who ? t("alerts.by", { who: one.who }) : "", one.detail ? ` · ${titled(one, "detail")}` : ""))) : h("p", { class: "muted" }, t("alerts.no_trail")));
    } catch (error) {
      this.open.delete(id);
      fill(box, trouble(error));
    }
  }
}

/** Return what an alert is called. A rule of the city may have a title in its language alone: then it is said what was judged and how. */
function titleOf(one) {
  if (lang() === "en" || one.title_ko) return titled(one);
  const [indicator, window] = (one.subject ?? "").split("-");
  return [titled(definitionOf({ indicator, window })), t(`alerts.kind.${one.kind}`)].filter(Boolean).join(" · ");
}

function numberText(value, unit) {
  return value === null ? null : `${decimal(value)} ${unitText(unit)}`.trim();
}

/** Return how long an alert has stood, or stood. */
function lasted(one) {
  return span(((instantOf(one.cleared) ?? nowMs()) - instantOf(one.opened)) / 1000);
}

/** Return what somebody is about to do in `root`, to whom the newest alerts must not take it away: fields by id, and the focus. */
function kept(root) {
  const fields = new Map([...root.querySelectorAll("input, select")].map((one) => [one.id, one.value]));
  const active = root.contains(document.activeElement) ? document.activeElement : null;
  return { fields, focus: active?.id ?? "", caret: active?.selectionStart ?? null };
}

function restore({ fields, focus, caret }) {
  for (const [id, value] of fields) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
  const active = focus ? document.getElementById(focus) : null;
  active?.focus({ preventScroll: true });
  if (caret !== null) active?.setSelectionRange?.(caret, caret);
}
