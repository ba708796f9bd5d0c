// KPIs: the wheel and the table of data points, what is live, declared and missing; each explained down to observations.

import { h, fill, setText } from "../dom.js";
import { get, itemsOf } from "../api.js";
import { percent } from "../format.js";
import { counted, groupTitle, t } from "../i18n.js";
import { on } from "../state.js";
import { Explained } from "./explained.js";
import { loader, panel, settled, table } from "./parts.js";
import { pointOf, scoresOf, treeOf } from "./scores.js";
import { wheel } from "./wheel.js";

const LOOK_MS = 30_000; // figures are computed every minute
const STATES = ["live", "declared", "missing", "to_declare"];

/** Show the view in `root`; returns how to leave it. */
export function mount(root, query, { replaceQuery }) {
  const view = new Kpis(root, query, replaceQuery);
  const ends = [on("tick", () => view.tick())];
  return () => {
    ends.forEach((end) => end());
    view.load.end();
  };
}

class Kpis {
  constructor(root, query, replaceQuery) {
    this.replaceQuery = replaceQuery;
    this.group = query.getAll("group");
    this.key = query.get("kpi") ?? "";
    this.at = /^\d{4}(-\d\d){0,2}$|^today$/.test(query.get("at") ?? "") ? query.get("at") : "";
    this.words = "";
    this.state = "";
    this.tools = h("div", { class: "tools" });
    this.picture = h("div", { class: "wheel-box" });
    this.summary = h("div", { class: "stack" });
    this.rows = h("div");
    this.note = h("p", { class: "small muted", role: "status" });
    this.explained = new Explained(() => this.choose(""));
    const body = h("div", { class: "stack" });
    fill(root, this.tools, body);
    this.load = loader(body, ([items, scores]) => {
      const answer = JSON.stringify([items, scores]);
      // What stands is left alone, for somebody may be reading it; and for who uses it until the next look.
      const stands = body.contains(this.rows);
      if (stands && (answer === this.answer || (this.answer && body.contains(document.activeElement)))) return;
      this.answer = answer;
      const top = this.rows.firstElementChild?.scrollTop ?? 0;
      const { points, groups } = scoresOf(scores);
      this.points = items.map((item) => pointOf(item, points.get(item.key)));
      this.tree = treeOf(this.points, groups);
      fill(body, h("div", { class: "kpi-room" },
        h("section", { class: "panel stack", "aria-label": t("kpis.wheel") }, this.picture, this.summary),
        h("section", { class: "panel stack kpi-table" }, h("h2", {}, t("kpis.data_points")), this.note, this.rows)),
      this.explained.element);
      fill(this.picture, wheel(this.tree, (chosen) => (chosen.key ? this.choose(chosen.key) : this.setGroup(chosen.path))));
      this.draw();
      this.rows.firstElementChild.scrollTop = top;
      if (this.key && (this.explained.key !== this.key || this.explained.at !== this.at)) this.explained.show(this.key, this.at);
    });
    this.#controls();
    this.#ask();
  }

  /** Whether stored figures are shown: those of a month and a day are computed when asked for, and targets are of years. */
  get stored() {
    return !this.at || /^\d{4}$/.test(this.at);
  }

  #ask() {
    this.askedMs = Date.now();
    this.load((signal) => Promise.all([
      get("kpis", { at: this.at }, { signal }).then(itemsOf),
      this.stored ? get("kpis/scores", { at: this.at }, { signal }).then(itemsOf) : [],
    ]));
  }

  #controls() {
    const search = h("input", { type: "search", placeholder: t("kpis.find"), "aria-label": t("kpis.find"), "data-testid": "kpi-search",
      on: { input: settled(() => {
        this.words = search.value.toLowerCase();
        this.draw();
      }, 120) } });
    this.groups = h("select", { "aria-label": t("kpis.group"), "data-testid": "kpi-group", on: { change: (event) => this.setGroup(event.target.value ? event.target.value.split("|") : []) } });
    const states = h("select", { "aria-label": t("kpis.state"), on: { change: (event) => {
      this.state = event.target.value;
      this.draw();
    } } }, h("option", { value: "" }, t("kpis.all_states")), STATES.map((one) => h("option", { value: one }, t(`kpis.state.${one}`))));
    const at = h("input", { type: "text", placeholder: t("kpis.at_example"), value: this.at, size: 12, "data-testid": "kpi-at", on: { change: () => {
      this.at = at.value.trim();
      this.answer = null;
      this.write();
      this.#ask();
    } } });
    fill(this.tools, search, this.groups, states, h("label", { class: "field" }, t("kpis.at"), at));
  }

  tick() {
    if (this.stored && !document.hidden && Date.now() - this.askedMs > LOOK_MS) this.#ask();
  }

  write() {
    const query = new URLSearchParams();
    for (const one of this.group) query.append("group", one);
    if (this.key) query.set("kpi", this.key);
    if (this.at) query.set("at", this.at);
    this.replaceQuery(query);
  }

  setGroup(path) {
    this.group = path.join("|") === this.group.join("|") ? [] : path;
    this.write();
    this.draw();
  }

  choose(key) {
    this.key = key;
    this.write();
    if (key) this.explained.show(key, this.at);
    else this.explained.hide();
  }

  draw() {
    if (!this.points) return;
    const inGroup = (one) => [one.dimension, one.subDimension, one.category].slice(0, this.group.length).every((name, i) => name === this.group[i]);
    const found = this.tree.points.filter((one) => inGroup(one) && (!this.state || one.state === this.state)
      && `${one.key} ${one.title} ${one.category} ${groupTitle(one.category)}`.toLowerCase().includes(this.words))
      // What has a figure first; within that the order of the wheel.
      .sort((a, b) => (a.value === null) - (b.value === null));
    const paths = [];
    const walk = (node) => node.children.forEach((child) => {
      paths.push(child.path);
      walk(child);
    });
    walk(this.tree);
    fill(this.groups, h("option", { value: "" }, t("kpis.everything")), paths.map((path) => h("option", { value: path.join("|") }, `${"\u2003".repeat(path.length - 1)}${groupTitle(path.at(-1))}`)));
    this.groups.value = this.group.join("|");
    const number = (state) => this.points.filter((one) => one.state === state).length;
    fill(this.summary, h("ul", { class: "plain row" }, STATES.map((one) => h("li", { class: `word state-${one}` }, `${number(one)} ${t(`kpis.state.${one}`)}`))),
      h("ul", { class: "plain row small" }, [1, 2, 3, 4].map((band) => h("li", { class: "row" }, h("span", { class: `score score-${band}` }, String(band)), t(`kpis.band_${band}`)))),
      h("p", { class: "small muted" }, t("kpis.targets_note")));
    setText(this.note, counted("kpis.found", found.length));
    fill(this.rows, table([
      { title: t("kpis.code"), cell: (one) => h("button", { type: "button", class: "quiet link", "data-testid": "kpi-open", on: { click: () => this.choose(one.key) } }, one.key) },
      { title: t("kpis.name"), cell: (one) => one.title },
      { title: t("kpis.state"), cell: (one) => h("span", { class: `word state-${one.state}` }, t(`kpis.state.${one.state}`)) },
      { title: t("map.value"), number: true, cell: (one) => (one.value === null ? h("span", { class: "muted" }, "NR") : [one.number, " ", h("span", { class: "unit" }, one.unit), one.horizon ? h("span", { class: "of" }, horizonText(one.horizon)) : null]) },
      { title: t("kpis.of_target"), number: true, cell: (one) => score(one) },
      { title: t("kpis.coverage"), number: true, cell: (one) => (one.coverage === null || one.coverage === undefined ? "" : h("span", { class: validityClass(one.validity) }, `${percent(one.coverage)}`)) },
    ], found, { caption: t("kpis.caption"), testid: "kpi-table" }));
  }
}

function score(one) {
  if (!one.band) return "";
  return h("span", { class: "row end" }, `${Math.floor(one.percent)}%`, h("span", { class: `score score-${one.band}`, title: t("kpis.band", { n: one.band }) }, String(one.band)));
}

function validityClass(validity) {
  return validity === "valid" ? "good" : validity === "indicative" ? "warn" : validity ? "bad" : "";
}

function horizonText(horizon) {
  return ["rolling", "year", "to_date", "month", "day"].includes(horizon) ? t(`kpis.horizon.${horizon}`) : horizon;
}
