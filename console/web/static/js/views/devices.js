// A device as people see it: its health in words and shape, and a card with its newest values.

import { h } from "../dom.js";
import { list } from "../api.js";
import { shape } from "../bands.js";
import { ago, decimal, instantOf, unitText, when } from "../format.js";
import { t } from "../i18n.js";
import { nowMs } from "../state.js";
import { facts, trouble } from "./parts.js";

/** States of a device, the worst first, each with a shape, a token of its colour and how its point is drawn. */
export const HEALTH = {
  silent: { shape: "star", token: "bad", radius: 8 },
  gateway_silent: { shape: "diamond", token: "bad", radius: 7 },
  late: { shape: "triangle", token: "warn", radius: 7 },
  never: { shape: "square", token: "warn", radius: 6 },
  ok: { shape: "circle", token: "good", radius: 5 },
  not_in_service: { shape: "none", token: "ink-3", radius: 4 },
  unknown: { shape: "none", token: "ink-3", radius: 5 },
};

/** Return the state of a device in one word of HEALTH. */
export function healthOf(device) {
  const name = String(device.health?.state ?? "unknown").replaceAll(" ", "_");
  return name in HEALTH ? name : "unknown";
}

/** Return the device's health as shape and words. */
export function healthMark(device) {
  const name = healthOf(device);
  return h("span", { class: `row health-${name}` }, shape(HEALTH[name].shape), t(`health.state.${name}`));
}

/** Return a card of a device; at a past time its values are read from what is stored. */
export function deviceCard(device, atMs) {
  const heard = instantOf(device.health?.last_heard);
  const since = instantOf(device.health?.since);
  const values = h("div", {}, atMs ? h("p", { class: "small muted" }, t("part.loading")) : lastValues((device.series ?? []).map((one) => ({ ...one, device: device.code }))));
  if (atMs) {
    pastValues(device, atMs).then((node) => values.replaceChildren(node), (error) => values.replaceChildren(trouble(error)));
  }
  return h("div", { class: "stack card", "data-testid": "device-card" },
    h("strong", {}, device.title ? `${device.code} · ${device.title}` : device.code),
    facts([
      [t("device.model"), device.model], [t("device.zone"), device.zone],
      [t("device.health"), healthMark(device)],
      [t("device.since"), since === null ? null : when(since)],
      [t("device.heard"), heard === null ? t("device.never") : ago((nowMs() - heard) / 1000)],
    ]), values);
}

function lastValues(series) {
  if (!series.length) return h("p", { class: "small muted" }, t("device.no_series"));
  return h("table", {}, h("tbody", {}, series.map((one) => h("tr", {},
    h("td", {}, h("a", { href: `#/explore?s=${encodeURIComponent(`${one.device}/${one.field}`)}` }, one.field)),
    h("td", { class: "number" }, one.last ? (one.last.state ?? `${decimal(one.last.value, 4)} ${unitText(one.unit)}`) : "–"),
    h("td", { class: "tight muted" }, one.last ? when(one.last.time, "dayTime") : "")))));
}

async function pastValues(device, atMs) {
  const found = await Promise.all((device.series ?? []).slice(0, 20).map(async (one) => {
    const path = `series/${encodeURIComponent(device.code)}/${encodeURIComponent(one.field)}/windows`;
    const { items } = await list(path, { grid: "hour", from: new Date(atMs - 2 * 3_600_000).toISOString(), to: new Date(atMs + 1).toISOString() });
    const last = items.findLast((window) => window.count > 0);
    return { ...one, device: device.code, last: last ? { value: last.mean ?? last.total ?? last.high, time: last.start } : null };
  }));
  return lastValues(found);
}

