// Drift: where devices say something else than their models expect, each finding with a message that shows it.

import { h, fill } from "../dom.js";
import { integer, when } from "../format.js";
import { counted, has, t } from "../i18n.js";
import { table } from "./parts.js";

/** Return what a finding, or a reason of the quarantine, is called. */
export function findingTitle(name) {
  return has(`reason.${name}`) ? t(`reason.${name}`) : name;
}

/** Draw findings as a table; `example` is called with the row of the quarantine that shows one. */
export function drawDrift(box, { items, more }, example) {
  fill(box, items.length ? table([
    { title: t("map.device"), cell: (row) => row.device },
    { title: t("device.model"), cell: (row) => row.model ?? "" },
    { title: t("health.finding"), cell: (row) => h("span", { title: row.meaning }, findingTitle(row.finding)) },
    { title: t("health.field"), cell: (row) => row.field ?? "" },
    { title: t("health.since"), tight: true, cell: (row) => when(row.since, "dayTime") },
    { title: t("health.newest"), tight: true, cell: (row) => when(row.newest, "dayTime") },
    { title: t("health.readings"), number: true, cell: (row) => (row.readings ? integer(row.readings) : "") },
    { title: t("health.message"), cell: (row) => (row.example === null ? "" : h("button", { type: "button", class: "quiet link", "data-testid": "drift-example",
      "aria-label": t("health.show_of", { device: row.device, reason: findingTitle(row.finding) }), on: { click: () => example(row) } }, t("health.show"))) },
  ], items, { caption: more ? t("health.drift_first", { n: integer(items.length) }) : counted("health.drift_count", items.length), testid: "drift-table" })
    : h("p", { class: "good" }, t("health.no_drift")));
}
