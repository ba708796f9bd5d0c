// Health: who is silent, who says something else than its model expects, what was refused and why, whether every reading
// is accounted for, and how far behind we are.

import { h, fill, attribute } from "../dom.js";
import { get, itemsOf, list } from "../api.js";
import { ago, bytes, instantOf, integer, percent, span, when } from "../format.js";
import { counted, t } from "../i18n.js";
import { nowMs, on, state } from "../state.js";
import { HEALTH, healthMark } from "./devices.js";
import { drawDrift, findingTitle } from "./drift.js";
import { facts, loader, panel, table } from "./parts.js";
import { printable } from "./payload.js";
import { scopeTitle } from "./sources.js";

const LOOK_MS = 10_000;
const ROWS_MAX = 300;
const UNHEARD = ["silent", "gateway_silent", "late", "never"];

/** Show the view in `root`; returns how to leave it. */
export function mount(root) {
  const view = new Health(root);
  const ends = [on("tick", () => view.tick()), on("status", () => view.drawLag())];
  return () => {
    ends.forEach((end) => end());
    view.loaders.forEach((load) => load.end());
  };
}

class Health {
  constructor(root) {
    const part = (testid, draw) => {
      const box = h("div", { class: "stack", "data-testid": testid });
      return [box, loader(box, (found) => draw(box, found))];
    };
    [this.counts, this.loadCounts] = part("health-counts", (box, found) => this.drawCounts(box, found));
    [this.silent, this.loadSilent] = part("health-silent", (box, found) => drawSilent(box, found));
    [this.drift, this.loadDrift] = part("health-drift", (box, found) => this.drawDrift(box, found));
    [this.ledger, this.loadLedger] = part("health-ledger", (box, found) => {
      this.gateway = found.lag;
      this.drawLag();
      drawLedger(box, found);
    });
    [this.reasons, this.loadReasons] = part("health-quarantine", (box, found) => this.drawReasons(box, found));
    this.lag = h("div", { "data-testid": "health-lag" });
    this.example = h("div", { class: "stack", "data-testid": "health-example" });
    this.loadExample = loader(this.example, ({ reason, found }) => drawExample(this.example, reason, found));
    this.driftExample = h("div", { class: "stack", "data-testid": "drift-message" });
    this.loadDriftExample = loader(this.driftExample, ({ finding, found }) => drawExample(this.driftExample, finding, found, "drift-payload"));
    this.loaders = [this.loadCounts, this.loadSilent, this.loadDrift, this.loadLedger, this.loadReasons, this.loadExample, this.loadDriftExample];
    fill(root, h("div", { class: "halves" },
      panel(t("health.ledger"), this.ledger), panel(t("health.lag"), this.lag),
      panel(t("health.devices"), this.counts), panel(t("health.quarantine"), this.reasons, this.example)),
    panel(t("health.silent"), this.silent), panel(t("health.drift"), this.drift, this.driftExample));
    this.load();
    this.drawLag();
  }

  load() {
    this.askedMs = Date.now();
    this.loadCounts((signal) => get("health", {}, { signal }));
    this.loadSilent(async (signal) => {
      const lists = await Promise.all(UNHEARD.map((health) => list("devices", { health }, { signal, most: ROWS_MAX })));
      return { devices: lists.flatMap((one) => one.items), more: lists.some((one) => one.more) };
    });
    this.loadDrift((signal) => list("devices/drift", {}, { signal, most: ROWS_MAX }));
    this.loadLedger((signal) => get("ledger/summary", {}, { signal }));
    this.loadReasons((signal) => get("quarantine/counts", {}, { signal }));
  }

  tick() {
    if (!document.hidden && Date.now() - this.askedMs > LOOK_MS) this.load();
  }

  drawLag() {
    const behind = state.dataToMs === null ? null : (nowMs() - state.dataToMs) / 1000;
    fill(this.lag, facts([
      [t("health.data_to"), state.dataToMs === null ? t("health.not_known") : when(state.dataToMs, "exact")],
      [t("health.behind"), behind === null ? null : span(behind)],
      [t("health.connection"), t(`connection.${state.connection}`)],
      [t("health.gateway"), this.gateway ? t(`health.gateway.${gatewayWord(this.gateway)}`) : null],
      [t("health.waiting"), this.gateway?.waiting === null || !this.gateway ? null : integer(this.gateway.waiting)],
      [t("health.watermark"), this.gateway?.watermark_s === null || !this.gateway ? null : span(this.gateway.watermark_s)],
      [t("health.heard_to"), this.heardTo ? when(this.heardTo, "exact") : null],
    ]));
  }

  drawCounts(box, found) {
    this.heardTo = found.heard_to;
    this.drawLag();
    const by = Object.keys(HEALTH).map((name) => [name, found.states[name] ?? 0]).filter(([, n]) => n);
    const all = found.devices || 1;
    const { gateways, downtimes } = found;
    fill(box,
      h("ul", { class: "plain stack" }, by.map(([name, n]) => h("li", { class: "row spread" },
        healthMark({ health: { state: name } }), h("span", {}, `${integer(n)} · ${percent(n / all)}`)))),
      found.drift?.findings ? h("p", { class: "word bad", "data-testid": "drift-summary" },
        `${counted("health.drift_count", found.drift.findings)} · ${counted("health.drift_devices", found.drift.devices)}`) : null,
      gateways.length ? table([
        { title: t("health.gateway"), cell: (row) => row.code },
        { title: t("health.state"), cell: (row) => h("span", { class: row.state === "silent" ? "word bad" : "word good" }, t(`health.state.${row.state}`)) },
        { title: t("health.devices"), number: true, cell: (row) => integer(row.devices) },
        { title: t("health.since"), tight: true, cell: (row) => (row.since ? when(row.since, "dayTime") : "") },
      ], gateways, { caption: t("health.gateways"), testid: "health-gateways" }) : null,
      downtimes.length ? table([
        { title: t("health.away"), cell: (row) => row.who },
        { title: t("health.from"), tight: true, cell: (row) => when(row.started, "dayTime") },
        { title: t("health.to"), tight: true, cell: (row) => (row.ended ? when(row.ended, "dayTime") : t("health.until_now")) },
        { title: t("health.detail"), cell: (row) => row.detail ?? "" },
      ], downtimes, { caption: t("health.downtimes"), testid: "health-downtimes" }) : h("p", { class: "muted small" }, t("health.no_downtime")));
  }

  drawDrift(box, found) {
    const said = JSON.stringify(found);
    if (said === this.driftSaid) return; // whoever goes through the table by keyboard keeps their place
    this.driftSaid = said;
    drawDrift(box, found, ({ finding, example }) => this.loadDriftExample(async (signal) => ({ finding, found: await get(`quarantine/${example}`, {}, { signal }) })));
  }

  drawReasons(box, found) {
    const items = itemsOf(found);
    const shown = this.reason;
    fill(box, items.length ? table([
      { title: t("health.reason"), cell: (row) => h("button", { type: "button", class: "quiet link", "aria-pressed": String(row.reason === shown), "data-testid": "reason",
        on: { click: () => this.#example(row) } }, findingTitle(row.reason)) },
      { title: t("health.readings"), number: true, cell: (row) => integer(row.readings) },
      { title: t("health.meaning"), cell: (row) => row.meaning ?? "" },
    ], items, { caption: t("health.by_reason") }) : h("p", { class: "muted" }, t("health.quarantine_empty")));
    if (items.length && !this.reason) this.#example(items[0]);
  }

  #example({ reason, newest }) {
    this.reason = reason;
    for (const button of this.reasons.querySelectorAll("button")) attribute(button, "aria-pressed", String(button.textContent === findingTitle(reason)));
    this.loadExample(async (signal) => ({ reason, found: await get(`quarantine/${newest}`, {}, { signal }) }));
  }
}

/** Return in a word how the gateway answers. */
function gatewayWord(lag) {
  if (!lag.known) return "not_known";
  if (!lag.answers) return "silent";
  return lag.connected === false ? "no_broker" : "ok";
}

function drawSilent(box, { devices, more }) {
  fill(box, devices.length ? table([
    { title: t("device.health"), tight: true, cell: (one) => healthMark(one) },
    { title: t("map.device"), cell: (one) => one.code },
    { title: t("device.zone"), cell: (one) => scopeTitle(`zone:${one.zone}`) },
    { title: t("device.model"), cell: (one) => one.model },
    { title: t("health.gateway"), cell: (one) => one.gateway ?? "" },
    { title: t("device.heard"), tight: true, cell: (one) => (one.health?.last_heard ? ago((nowMs() - instantOf(one.health.last_heard)) / 1000) : t("device.never")) },
    { title: t("device.since"), tight: true, cell: (one) => (one.health?.since ? when(one.health.since, "dayTime") : "") },
  ], devices, { caption: more ? t("health.silent_first", { n: integer(devices.length) }) : counted("health.silent_count", devices.length) }) : h("p", { class: "good" }, t("health.all_heard")));
}

function drawLedger(box, found) {
  const difference = found.balance;
  const number = (name, sign) => h("div", { class: "sum" }, h("span", { class: "sign" }, sign), h("b", { "data-testid": `ledger-${name}` }, integer(found[name])), h("span", {}, t(`ledger.${name}`)));
  fill(box, h("div", { class: "equation", role: "group", "aria-label": t("health.ledger") },
    number("received", ""), number("accepted", "="), number("duplicate", "+"), number("quarantined", "+")),
  difference === 0 ? h("p", { class: "word good verdict", "data-testid": "ledger-verdict" }, `✓ ${t("ledger.balances")}`)
    : h("p", { class: "word bad verdict", role: "alert", "data-testid": "ledger-verdict" }, `✗ ${t("ledger.off", { n: integer(difference) })}`),
  facts([
    [t("ledger.messages"), integer(found.messages)], [t("ledger.commits"), integer(found.commits)],
    [t("ledger.restated"), integer(found.restated)],
    [t("ledger.last"), found.last_commit ? `${when(found.last_commit, "exact")}` : null],
    [t("ledger.replayed"), found.replayed ? t("ledger.replayed_note", { n: integer(found.replayed), left: integer(found.quarantined - found.replayed) }) : null],
    [t("ledger.trimmed"), found.quarantine_rows_trimmed ? integer(found.quarantine_rows_trimmed) : null],
  ]));
}

function drawExample(box, reason, row, testid = "payload") {
  fill(box, h("h3", {}, t("health.example", { reason: findingTitle(reason) })), facts([
    [t("health.received"), when(row.received, "exact")], [t("map.device"), row.device || null], [t("health.topic"), h("code", {}, row.topic)],
    [t("health.detail"), row.detail], [t("health.size"), bytes(row.payload_bytes)],
  ]), h("pre", { class: "payload", tabindex: 0, "aria-label": t("health.payload"), "data-testid": testid }, printable(row.payload_base64)));
}
