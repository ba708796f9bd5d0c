// Explore: any indicators and series over any span, each unit with a chart of its own, gaps as gaps, what was revised marked.

import { h, fill, attribute, setText } from "../dom.js";
import { columnsIn, draw, token } from "../chart.js";
import { cityZone, decimal, when } from "../format.js";
import { counted, t } from "../i18n.js";
import { nowMs, on } from "../state.js";
import { controlText, instant } from "../zoned.js";
import { Picker } from "./picker.js";
import { panel, settled, table, trouble } from "./parts.js";
import { beginning, curvesOf, exportsOf, sourceOf, sourceTitle } from "./sources.js";

const SPANS = { "6h": 6 * 3_600_000, "24h": 86_400_000, "48h": 2 * 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000,
  "365d": 365 * 86_400_000 };
const GRIDS = ["raw", "hour", "day"];
const SOURCES_MAX = 8;
const COLOURS = 8;
const AGAIN_MS = 10_000; // a span that ends now moves on
const LONG_MS = 3 * 86_400_000; // of a longer span a pixel is many minutes
const AGAIN_LONG_MS = 60_000;

/** Show the view in `root`; returns how to leave it. */
export function mount(root, query, { replaceQuery }) {
  const view = new Explore(root, query, replaceQuery);
  const ends = [on("tick", () => view.tick()), on("definitions", () => view.named()),
    on("figures", settled(() => view.figuresCame(), 500))];
  const theme = () => view.redraw();
  addEventListener("themechange", theme);
  const sizes = new ResizeObserver(settled(() => view.resize(), 120));
  sizes.observe(view.charts.parentElement);
  return () => {
    ends.forEach((end) => end());
    removeEventListener("themechange", theme);
    sizes.disconnect();
    view.end();
  };
}

class Explore {
  constructor(root, query, replaceQuery) {
    this.replaceQuery = replaceQuery;
    this.untouched = !query.toString();
    this.plots = [];
    this.found = [];
    this.turn = 0;
    this.read(query);
    this.charts = h("div", { class: "stack charts", "data-testid": "charts" });
    this.below = h("div", { class: "stack" });
    this.spanTools = h("div", { class: "tools" });
    this.chosenList = h("ul", { class: "plain row chosen", "aria-label": t("explore.chosen"), "data-testid": "chosen" });
    this.picker = new Picker((id) => this.add(id), () => this.sources.map((one) => one.id));
    fill(root, h("div", { class: "explore" },
      h("section", { class: "panel stack side", "aria-label": t("explore.choose") }, h("h2", {}, t("explore.choose")), this.picker.element),
      h("div", { class: "stack" }, h("section", { class: "panel stack" }, this.spanTools, this.chosenList), this.charts, this.below)));
    this.tools();
    this.load();
    this.begin();
  }

  /** Take what the address says. */
  read(query) {
    this.sources = [...query.getAll("i").map((one) => `i:${one}`), ...query.getAll("s").map((one) => `s:${one}`)]
      .map(sourceOf).filter(Boolean).slice(0, SOURCES_MAX);
    this.span = query.get("span") in SPANS ? query.get("span") : query.get("from") ? "" : "48h";
    this.fromMs = Date.parse(query.get("from") ?? "");
    this.toMs = Date.parse(query.get("to") ?? "");
    if (!this.span && !(this.fromMs < this.toMs)) this.span = "48h";
    this.grids = (query.get("grid") ?? "raw,hour,day").split(",").filter((one) => GRIDS.includes(one));
    this.knownAt = query.get("known_at") ?? "";
  }

  /** Write the choice into the address: it can be passed on. */
  write() {
    const query = new URLSearchParams();
    for (const one of this.sources) query.append(one.id[0], one.id.slice(2));
    if (this.span) query.set("span", this.span);
    else {
      query.set("from", new Date(this.fromMs).toISOString());
      query.set("to", new Date(this.toMs).toISOString());
    }
    query.set("grid", this.grids.join(","));
    if (this.knownAt) query.set("known_at", this.knownAt);
    this.replaceQuery(query);
  }

  get times() {
    const toMs = this.span ? nowMs() : this.toMs;
    return { fromMs: this.span ? toMs - SPANS[this.span] : this.fromMs, toMs, knownAt: this.knownAt };
  }

  /** How many points a line can show, inside the panel that a chart stands in. */
  get columns() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return columnsIn(this.charts.parentElement.clientWidth - 2 * rem);
  }

  tools() {
    const zone = cityZone();
    const control = (name, ms) => h("label", { class: "field" }, t(`explore.${name}`, { zone }),
      h("input", { type: "datetime-local", value: Number.isFinite(ms) ? controlText(ms, zone) : "", "data-testid": `explore-${name}` }));
    const times = this.times;
    const from = control("from", times.fromMs);
    const to = control("to", times.toMs);
    const known = control("known_at", this.knownAt ? Date.parse(this.knownAt) : NaN);
    const value = (label) => instant(label.querySelector("input").value, zone);
    const apply = () => {
      const [fromMs, toMs] = [value(from), value(to)];
      if (!(fromMs < toMs)) {
        setText(this.fault, t("explore.bad_span"));
        return;
      }
      setText(this.fault, "");
      this.setSpan(fromMs, toMs);
    };
    for (const label of [from, to]) label.querySelector("input").addEventListener("change", apply);
    known.querySelector("input").addEventListener("change", () => {
      const ms = value(known);
      this.knownAt = Number.isFinite(ms) ? new Date(ms).toISOString() : "";
      this.changed();
    });
    this.fault = h("p", { class: "bad small", role: "alert" });
    fill(this.spanTools,
      h("div", { class: "group", role: "group", "aria-label": t("explore.span") }, Object.keys(SPANS).map((name) => h("button", {
        type: "button", "aria-pressed": String(name === this.span), "data-testid": `span-${name}`,
        on: { click: () => {
          this.span = name;
          this.changed(true);
        } },
      }, t(`span.${name}`)))),
      from, to,
      h("fieldset", { class: "row plain-set" }, h("legend", { class: "small soft" }, t("explore.grids")), GRIDS.map((grid) => h("label", { class: "check" },
        h("input", { type: "checkbox", checked: this.grids.includes(grid), "data-testid": `grid-${grid}`, on: { change: (event) => {
          this.grids = GRIDS.filter((one) => (one === grid ? event.target.checked : this.grids.includes(one)));
          this.changed();
        } } }), t(`grid.${grid}`)))),
      known, this.fault);
  }

  setSpan(fromMs, toMs) {
    this.span = "";
    this.fromMs = Math.floor(fromMs);
    this.toMs = Math.ceil(toMs);
    this.changed(true);
  }

  changed(tools = false) {
    this.write();
    if (tools) {
      const focused = document.activeElement?.dataset?.testid;
      this.tools();
      if (focused) this.spanTools.querySelector(`[data-testid="${focused}"]`)?.focus();
    }
    this.load();
  }

  add(id) {
    const source = sourceOf(id);
    if (!source) return;
    this.untouched = false;
    const there = this.sources.some((one) => one.id === id);
    if (there) this.sources = this.sources.filter((one) => one.id !== id);
    else if (this.sources.length >= SOURCES_MAX) {
      setText(this.fault, t("explore.too_many", { n: SOURCES_MAX }));
      return;
    } else this.sources.push(source);
    this.changed();
    this.picker.show();
  }

  figuresCame() {
    this.picker.showUnlessUsed();
    this.begin();
  }

  /** Where nobody chose anything: the worst figure, and a series that it was made of. */
  async begin() {
    if (!this.untouched || this.sources.length) return;
    const found = await beginning(this.picker.asked);
    if (!found.length || !this.untouched || this.sources.length) return;
    this.sources = found.map(sourceOf);
    this.load();
    this.picker.showUnlessUsed();
  }

  /** Say again what things are called: the definitions came. */
  named() {
    this.picker.showUnlessUsed();
    this.load();
  }

  tick() {
    const again = SPANS[this.span] < LONG_MS ? AGAIN_MS : AGAIN_LONG_MS;
    if (this.span && !document.hidden && nowMs() - (this.loadedMs ?? 0) >= again) this.load();
  }

  async load() {
    const turn = ++this.turn;
    this.abort?.abort();
    this.abort = new AbortController();
    this.loadedMs = nowMs();
    this.#chosen();
    if (!this.sources.length) {
      this.#clear();
      fill(this.charts, h("p", { class: "empty panel" }, t("explore.nothing")));
      fill(this.below);
      return;
    }
    attribute(this.charts, "aria-busy", "true");
    const span = this.times;
    const answers = await Promise.all(this.sources.map(async (source) => {
      try {
        return { source, curves: await curvesOf(source, span, this.grids, this.columns, this.abort.signal) };
      } catch (error) {
        return { source, error, curves: [] };
      }
    }));
    if (turn !== this.turn) return;
    this.found = answers;
    this.drawn = span;
    this.redraw();
    attribute(this.charts, "aria-busy", null);
  }

  #chosen() {
    fill(this.chosenList, this.sources.map((source) => h("li", {}, h("button", {
      type: "button", title: t("explore.remove"), "aria-label": t("explore.remove_one", { name: sourceTitle(source) }),
      on: { click: () => this.add(source.id) },
    }, sourceTitle(source), " ✕"))));
  }

  #clear() {
    for (const { chart } of this.plots) chart.destroy();
    this.plots = [];
  }

  /** Draw what was read last: after an answer, and when the theme changes. */
  redraw() {
    if (!this.drawn || !this.sources.length) return;
    const units = this.#byUnit();
    const span = [this.drawn.fromMs / 1000, this.drawn.toMs / 1000];
    const faults = this.found.filter((one) => one.error);
    // The same curves with newer points: whoever points at one is not disturbed.
    const same = !faults.length && !this.faulty && units.size > 0 && units.size === this.plots.length
      && [...units].every(([unit, curves], i) => this.plots[i].unit === unit && this.plots[i].chart.update(curves, ...span));
    this.faulty = faults.length > 0;
    if (!same) this.#drawAnew(units, span, faults);
    [...units.values()].forEach((curves, i) => {
      if (!this.plots[i]) return;
      const { figure, chart } = this.plots[i];
      attribute(figure, "aria-label", curves.map((curve) => `${curve.label}: ${counted("explore.points", curve.x.length)}`).join("; "));
      figure.dataset.points = chart.points;
    });
    this.#below();
  }

  /** Return the curves by their unit, each with its colour; a unit without a single point is none. */
  #byUnit() {
    const units = new Map();
    let place = 0;
    for (const { curves } of this.found) {
      for (const curve of curves) {
        // Marks have a meaning and its colour; every other curve has one of its own.
        const colour = token(curve.token ?? `series-${(place++ % COLOURS) + 1}`);
        if (!units.has(curve.unit)) units.set(curve.unit, []);
        units.get(curve.unit).push({ colour, ...curve });
      }
    }
    for (const [unit, curves] of units) if (curves.every((curve) => !curve.x.length)) units.delete(unit);
    return units;
  }

  #drawAnew(units, [fromS, toS], faults) {
    this.#clear();
    fill(this.charts, faults.map((one) => trouble(one.error, () => this.load())),
      !units.size && !faults.length ? h("p", { class: "empty panel", "data-testid": "no-points" }, t("explore.empty")) : null);
    for (const [unit, curves] of units) {
      const box = h("div", { class: "chart" });
      const figure = h("figure", { class: "panel", role: "group", "data-testid": "chart" }, box);
      this.charts.append(figure);
      const chart = draw(box, curves, {
        unit: { symbol: unit, clock: t("explore.time"), highest: t("explore.highest"), lowest: t("explore.lowest") },
        fromS, toS, onSpan: (a, b) => this.setSpan(a * 1000, b * 1000),
      });
      this.plots.push({ chart, box, figure, unit });
    }
  }

  #below() {
    if (this.below.contains(document.activeElement)) return; // somebody is at these links; the next points come soon
    const replaced = this.found.flatMap(({ source, curves }) => (curves[0]?.revisions ?? []).map((one) => ({ source, ...one })));
    const links = this.sources.map((source) => h("li", { class: "row" }, h("span", {}, sourceTitle(source)),
      exportsOf(source, this.times, this.grids).map((one) => h("a", { href: one.href, download: "" }, one.text))));
    const cut = this.found.some(({ curves }) => curves[0]?.more);
    fill(this.below,
      cut ? h("p", { class: "notice" }, t("explore.cut")) : null,
      replaced.length ? panel(t("explore.revisions"), table([
        { title: t("explore.what"), cell: (row) => sourceTitle(row.source) },
        { title: t("explore.start"), tight: true, cell: (row) => when(row.start) },
        { title: t("explore.was"), number: true, cell: (row) => decimal(row.value) },
        { title: t("explore.is_now"), number: true, cell: (row) => decimal(row.value_now) },
        { title: t("explore.replaced"), tight: true, cell: (row) => when(row.superseded) },
        { title: t("explore.why"), cell: (row) => row.reason ?? "" },
      ], replaced, { caption: t("explore.revisions_note"), testid: "revisions" })) : null,
      panel(t("explore.export"), h("ul", { class: "plain stack" }, links), h("p", { class: "small muted" }, t("explore.export_note"))));
  }

  resize() {
    for (const { chart } of this.plots) chart.resize();
  }

  end() {
    this.turn += 1;
    this.abort?.abort();
    this.#clear();
    this.picker.end();
  }
}
