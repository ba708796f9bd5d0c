// One KPI in full: definition, formula with its numbers, what it rests on, what it replaced, and below that the stations,
// days and single observations that were added up.

import { h, fill } from "../dom.js";
import { get, itemsOf } from "../api.js";
import { decimal, integer, percent, significant, unitText, when } from "../format.js";
import { groupTitle, t, titled } from "../i18n.js";
import { facts, loader, table } from "./parts.js";
import { ratioText, valueOf } from "./scores.js";

const ROWS_MAX = 500;

/** A panel that explains a KPI; `closed` is called when it is closed. */
export class Explained {
  constructor(closed) {
    this.head = h("h2", { tabindex: -1 });
    this.body = h("div", { class: "stack" });
    this.deep = h("div", { class: "stack" });
    this.element = h("section", { class: "panel stack explained", hidden: true, "data-testid": "kpi-explained", "aria-label": t("kpis.explained") },
      h("div", { class: "row spread" }, this.head, h("button", { type: "button", on: { click: closed } }, t("close"))), this.body, this.deep);
    this.load = loader(this.body, (found) => this.draw(found));
    this.loadDeep = loader(this.deep, (found) => this.drawDeep(found));
  }

  show(key, at) {
    this.key = key;
    this.at = at;
    this.element.hidden = false;
    fill(this.head, key);
    fill(this.deep);
    this.load(async (signal) => itemsOf(single(await get(`kpis/${encodeURIComponent(key)}`, { at }, { signal }))));
    this.head.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "start" });
  }

  hide() {
    this.element.hidden = true;
  }

  draw(items) {
    fill(this.body, items.map((item) => this.#item(item)),
      h("div", { class: "row" }, ["stations", "days", "observations"].map((level) => h("button", { type: "button", "data-testid": `explain-${level}`,
        on: { click: () => this.#ask(level) } }, t(`kpis.${level}`)))));
  }

  #ask(level, more = {}) {
    this.level = level;
    this.loadDeep((signal) => get(`kpis/${encodeURIComponent(this.key)}/explain`, { at: this.at, ...(level === "stations" ? {} : { [level]: "true" }), ...more }, { signal }));
  }

  #item(item) {
    const targets = (item.targets ?? []).map((one) => `${one.value} (${one.rule}, ${one.from}${one.official ? "" : `, ${t("kpis.not_official")}`})`);
    return h("div", { class: "stack" },
      h("h3", {}, `${titled(item, "name")}${item.data_point_name ? ` · ${titled(item, "data_point_name")}` : ""}`),
      h("p", { class: "soft" }, item.definition),
      facts([
        [t("kpis.group"), [item.dimension, item.sub_dimension, item.category].filter(Boolean).map(groupTitle).join(" › ")],
        [t("kpis.numerator"), item.numerator], [t("kpis.denominator"), item.denominator],
        [t("kpis.formula"), item.formula ? h("code", {}, item.formula) : null], [t("kpis.targets"), targets.join("; ")],
        [t("kpis.check"), item.check], [t("kpis.sensors"), item.sensors], [t("kpis.source"), item.source], [t("kpis.note"), item.note],
      ]),
      (item.figures ?? []).map(figurePart), declaredPart(item.declared));
  }

  drawDeep(found) {
    const rows = itemsOf(found).length ? itemsOf(found) : Object.entries(found ?? {}).flatMap(([name, value]) =>
      (Array.isArray(value) ? value.map((one) => ({ row: name.replace(/s$/, ""), ...one })) : []));
    const of = (name) => rows.filter((one) => one.row === name).slice(0, ROWS_MAX);
    const device = { title: t("map.device"), cell: (row) => row.device };
    const input = { title: t("kpis.input"), cell: (row) => row.input };
    const parts = [
      [of("station"), t("kpis.stations"), [input, device, { title: t("device.zone"), cell: (row) => row.zone ?? "" },
        { title: t("map.value"), number: true, cell: (row) => exactText(row) },
        { title: t("kpis.readings"), number: true, cell: (row) => (row.expected ? `${integer(row.received)} / ${integer(row.expected)}` : "") },
        { title: t("kpis.counts"), cell: (row) => (row.counts ? t("yes") : h("span", { class: "bad" }, t("no"))) }]],
      [of("day"), t("kpis.days"), [input, device, { title: t("kpis.day"), tight: true, cell: (row) => row.day },
        { title: t("kpis.readings"), number: true, cell: (row) => integer(row.readings) },
        { title: t("kpis.low"), number: true, cell: (row) => decimal(row.low) }, { title: t("kpis.high"), number: true, cell: (row) => decimal(row.high) },
        { title: t("kpis.sum"), number: true, cell: (row) => decimal(row.sum) }]],
      [of("observation"), t("kpis.observations"), [input, device, { title: t("explore.time"), tight: true, cell: (row) => when(row.time, "exact") },
        { title: t("map.value"), number: true, cell: (row) => row.state ?? `${decimal(row.value)} ${unitText(row.unit)}` }]],
    ].filter(([list]) => list.length);
    const next = found?.next ?? null;
    fill(this.deep, parts.length ? parts.map(([list, title, columns]) => table(columns, list, { caption: title, testid: "explain-rows" }))
      : h("p", { class: "muted" }, t("kpis.nothing_behind")),
    next ? h("button", { type: "button", on: { click: () => this.#ask(this.level, { cursor: next }) } }, t("kpis.next_page")) : null);
  }
}

function single(answer) {
  return Array.isArray(answer) || answer?.items ? answer : [answer];
}

function exactText(row) {
  if (row.value === null || row.value === undefined) return "–";
  return `${String(row.value).includes("/") ? decimal(ratioText(row.value), 4) : decimal(row.value, 4)} ${unitText(row.unit)}`;
}

function figurePart(one) {
  const period = one.year ? String(one.year) : t(`kpis.horizon.${one.horizon}`);
  return h("div", { class: "stack figure-part" }, h("h4", {}, `${period} · ${one.scope}`), facts([
    [t("map.value"), one.value === null ? `NR: ${one.reason ?? ""}` : `${Number(one.value) ? decimal(one.value) : significant(valueOf(one))} ${unitText(one.unit)}`],
    [t("kpis.exact"), one.exact && one.exact.length < 60 ? h("code", {}, one.exact) : null],
    [t("kpis.bounds"), one.low && one.high ? `${ratioText(one.low)} – ${ratioText(one.high)}` : null],
    [t("kpis.period"), `${when(one.start)} – ${when(one.end)}`],
    [t("kpis.coverage"), one.coverage === null ? null : `${percent(one.coverage)} · ${integer(one.received)} / ${integer(one.expected)} · ${one.validity ?? ""}`],
    [t("kpis.of_target"), one.band ? `${one.percent_of_target}% · ${one.band_name} · ${one.official ? "" : t("kpis.not_official")}` : one.not_scored],
    [t("kpis.revision"), one.revision], [t("kpis.computed"), when(one.computed, "exact")],
    [t("kpis.filled_in"), (one.filled_in ?? []).length ? h("pre", {}, one.filled_in.join("\n")) : null],
  ]),
  (one.rests_on ?? []).length ? table([
    { title: t("kpis.input"), cell: (row) => row.input }, { title: t("map.value"), number: true, cell: (row) => (row.value === null ? "NR" : decimal(ratioText(row.value), 4)) },
    { title: t("kpis.stations"), number: true, cell: (row) => row.stations ?? "" },
    { title: t("kpis.readings"), number: true, cell: (row) => (row.expected ? `${integer(row.received)} / ${integer(row.expected)}` : "") },
    { title: t("kpis.coverage"), number: true, cell: (row) => (row.coverage === null || row.coverage === undefined ? "" : percent(row.coverage)) },
    { title: t("kpis.note"), cell: (row) => row.reason || row.note || "" },
  ], one.rests_on, { caption: t("kpis.rests_on") }) : null,
  (one.revisions ?? []).map((was) => h("p", { class: "small muted" },
    t("kpis.was", { revision: was.revision, value: was.value === null ? "NR" : decimal(was.value), until: when(was.replaced), why: was.change }))));
}

function declaredPart(declared) {
  const lines = Array.isArray(declared) ? declared : declared ? [declared] : [];
  if (!lines.length) return null;
  return table([
    { title: t("kpis.year"), cell: (row) => row.year ?? row.period }, { title: t("kpis.code"), cell: (row) => row.key ?? "" },
    { title: t("map.value"), number: true, cell: (row) => (row.exact ? ratioText(row.exact) : "NR") },
    { title: t("kpis.quality"), cell: (row) => row.quality ?? "" }, { title: t("kpis.source"), cell: (row) => row.source ?? "" },
    { title: t("kpis.note"), cell: (row) => row.note ?? "" },
  ], lines, { caption: t("kpis.state.declared") });
}
