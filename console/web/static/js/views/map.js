// The map: zones filled by the band of one indicator, devices by their health, at any past time. There are no tiles: a
// city's own outlines on a plain ground need no internet.

import { h, fill, setText } from "../dom.js";
import { list } from "../api.js";
import { bandOf, shape } from "../bands.js";
import { token } from "../chart.js";
import { chipOf } from "../figures.js";
import { brief, cityZone, unitText, when } from "../format.js";
import { counted, t, titled } from "../i18n.js";
import { keep, kept } from "../keepsake.js";
import { WINDOW_MS } from "../records.js";
import { nowMs, on, state } from "../state.js";
import { controlText, instant } from "../zoned.js";
import { Ground } from "./ground.js";
import { deviceCard, HEALTH, healthOf } from "./devices.js";
import { panel, settled, table, trouble } from "./parts.js";
import { figuresAt, numbered } from "./past.js";

const DEVICES_MAX = 5_000;
const DEVICES_MS = 30_000;
const BACK_STEPS = 7 * 24;
const ROWS_MAX = 200;

/** Show the view in `root`; returns how to leave it. */
export function mount(root, query, { replaceQuery }) {
  const view = new MapView(root, query, replaceQuery);
  const later = settled(() => view.figuresChanged(), 200);
  const ends = [on("figures", later), on("definitions", () => view.tools()), on("city", () => view.zonesChanged()), on("tick", () => view.tick())];
  const theme = () => {
    view.paint();
    view.paintDevices();
  };
  addEventListener("themechange", theme);
  return () => {
    ends.forEach((end) => end());
    removeEventListener("themechange", theme);
    view.end();
  };
}

class MapView {
  constructor(root, query, replaceQuery) {
    this.replaceQuery = replaceQuery;
    this.chosen = query.get("indicator") ?? kept("map.indicator", "");
    this.atMs = query.get("at") ? Date.parse(query.get("at")) : null;
    if (!Number.isFinite(this.atMs)) this.atMs = null;
    this.past = null;
    this.stations = new Map();
    this.points = kept("map.points", "health");
    this.devices = [];
    this.abort = new AbortController();
    this.bar = h("div", { class: "tools" });
    this.moment = h("p", { class: "strong", "data-testid": "map-moment", "aria-live": "polite" });
    this.fault = h("div");
    this.legend = h("ul", { class: "plain legend", "aria-label": t("map.legend") });
    this.canvas = h("div", { class: "ground", "data-testid": "map", role: "application", "aria-label": t("map.label") });
    this.zoneList = h("div");
    this.deviceList = h("div");
    this.filter = h("input", { type: "search", placeholder: t("map.find"), "aria-label": t("map.find"), on: { input: settled(() => this.listDevices(), 150) } });
    fill(root, h("section", { class: "panel stack" }, this.bar, this.fault),
      h("div", { class: "map-room" },
        h("section", { class: "panel stack map-box" }, h("div", { class: "row spread" }, this.moment, this.legend), this.canvas),
        h("div", { class: "stack map-side" }, panel(t("map.zones"), this.zoneList),
          panel(t("map.devices"), this.filter, this.deviceList))));
    this.ground = new Ground(this.canvas, { zone: (code) => this.zoneCard(code), device: (device) => deviceCard(device, this.atMs) });
    this.tools();
    this.zonesChanged();
    this.loadDevices();
    if (this.byBand) this.loadPast();
  }

  /** Return the definition that is shown: the chosen one, else the first with bands that some zone has. */
  get definition() {
    const found = state.definitions.get(this.chosen);
    if (found) return found;
    const there = new Set([...state.figures.values()].filter((one) => one.zone).map((one) => `${one.indicator}|${one.window}`));
    const all = [...state.definitions.entries()].filter(([key]) => there.has(key)).map(([, one]) => one);
    return all.find((one) => one.bands?.length) ?? all[0];
  }

  tools() {
    const chosen = this.definition;
    const there = new Set([...state.figures.values()].map((one) => `${one.indicator}|${one.window}`));
    const select = h("select", { "aria-label": t("map.indicator"), "data-testid": "map-indicator", on: { change: (event) => {
      this.chosen = event.target.value;
      keep("map.indicator", this.chosen);
      this.changed();
    } } }, [...state.definitions.values()].filter((one) => there.has(`${one.code}|${one.window}`)).map((one) =>
      h("option", { value: `${one.code}|${one.window}` }, `${titled(one)} · ${t(`window.${one.window}`)}`)));
    if (chosen) select.value = `${chosen.code}|${chosen.window}`;
    const length = WINDOW_MS[chosen?.window ?? "hour"];
    this.slider = h("input", { type: "range", min: -BACK_STEPS, max: 0, step: 1, value: this.atMs ? Math.max(-BACK_STEPS, Math.round((this.atMs - nowMs()) / length)) : 0,
      "aria-label": t("map.slider"), "data-testid": "map-slider", class: "slider" });
    const told = () => this.slider.setAttribute("aria-valuetext", this.atMs ? when(this.atMs) : t("map.now"));
    told();
    this.slider.addEventListener("input", () => {
      const back = Number(this.slider.value);
      this.setTime(back === 0 ? null : Math.floor(nowMs() / length) * length + back * length);
      told();
    });
    this.time = h("input", { type: "datetime-local", "aria-label": t("map.time", { zone: cityZone() }), "data-testid": "map-time",
      value: this.atMs ? controlText(this.atMs, cityZone()) : "" });
    this.time.addEventListener("change", () => {
      const ms = instant(this.time.value, cityZone());
      this.setTime(Number.isFinite(ms) ? ms : null);
      this.slider.value = this.atMs ? Math.max(-BACK_STEPS, Math.round((this.atMs - nowMs()) / length)) : 0;
    });
    const points = h("div", { class: "group", role: "group", "aria-label": t("map.points") }, ["health", "bands"].map((name) => h("button", {
      type: "button", "aria-pressed": String(this.points === name), disabled: this.atMs !== null, "data-testid": `map-${name}`, on: { click: () => {
        this.points = name;
        keep("map.points", name);
        this.tools();
        this.bar.querySelector(`[data-testid="map-${name}"]`)?.focus();
        this.loadPast();
      } } }, t(`map.points.${name}`))));
    const now = h("button", { type: "button", "data-testid": "map-now", on: { click: () => {
      this.slider.value = 0;
      this.setTime(null);
    } } }, t("map.now"));
    fill(this.bar, h("label", { class: "field wide" }, t("map.indicator"), select),
      h("label", { class: "field grow" }, t("map.slider"), this.slider),
      h("label", { class: "field" }, t("map.time", { zone: cityZone() }), this.time), now, points);
  }

  setTime(ms) {
    this.atMs = ms === null ? null : Math.min(ms, nowMs());
    for (const button of this.bar.querySelectorAll(".group button")) button.disabled = this.atMs !== null;
    this.time.value = this.atMs ? controlText(this.atMs, cityZone()) : "";
    this.changed();
  }

  changed() {
    const query = new URLSearchParams();
    if (this.chosen) query.set("indicator", this.chosen);
    if (this.atMs) query.set("at", new Date(this.atMs).toISOString());
    this.replaceQuery(query);
    this.loadPast();
  }

  /** Read what is not known yet: of a past time every zone, and stations where points show their bands. */
  loadPast = settled(async () => {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const one = this.definition;
    const ask = (kind) => figuresAt(one, this.atMs ?? nowMs(), kind, this.abort.signal);
    try {
      const [zones, stations] = one ? await Promise.all([this.atMs ? ask("zone") : null, this.byBand ? ask("station") : new Map()]) : [null, new Map()];
      if (turn !== this.turn) return;
      [this.past, this.stations] = [zones, stations];
      fill(this.fault);
    } catch (error) {
      if (error.name === "AbortError" || turn !== this.turn) return;
      [this.past, this.stations] = [this.atMs ? new Map() : null, new Map()];
      fill(this.fault, trouble(error, () => this.loadPast()));
    }
    this.stationsMs = Date.now();
    this.paint();
    this.paintDevices();
  }, 150);

  /** Whether points show bands: who was silent at a past time is not told here. */
  get byBand() {
    return this.atMs !== null || this.points === "bands";
  }

  paintDevices() {
    const one = this.definition;
    const scale = numbered(one, [...this.stations.values()]);
    this.ground.setDevices(this.devices, (device) => {
      const name = healthOf(device);
      if (!this.byBand) return { ...HEALTH[name], colour: token(HEALTH[name].token), full: name === "ok" };
      const figure = this.stations.get(`station:${device.code}`);
      const known = Boolean(figure && figure.value !== null);
      const band = known ? bandOf(figure, one) : null;
      return { radius: known ? 8 : 4, colour: band ? band.colour : known ? scale.colour(figure) : token("none"), full: known, text: known ? brief(figure.value, 3) : "" };
    });
  }

  async loadDevices() {
    this.devicesMs = Date.now();
    try {
      this.devices = (await list("devices", {}, { signal: this.abort.signal, most: DEVICES_MAX })).items;
      this.paintDevices();
      this.listDevices();
    } catch (error) {
      if (error.name !== "AbortError") fill(this.deviceList, trouble(error, () => this.loadDevices()));
    }
  }

  tick() {
    if (document.hidden) return;
    if (Date.now() - this.devicesMs > DEVICES_MS) this.loadDevices();
    if (!this.atMs && this.byBand && Date.now() - (this.stationsMs ?? 0) > DEVICES_MS) this.loadPast();
  }

  zonesChanged() {
    this.ground.setZones(state.zones);
    this.paint();
  }

  figuresChanged() {
    if (!this.bar.contains(document.activeElement)) this.tools();
    if (!this.atMs) this.paint();
  }

  /** Return the figure of a zone at the chosen time. */
  figure(code) {
    const one = this.definition;
    if (!one) return null;
    const scope = `zone:${code}`;
    if (this.atMs) return this.past?.get(scope) ?? null;
    return state.figures.get(`${one.code}|${one.window}|${scope}`) ?? null;
  }

  paint() {
    const one = this.definition;
    const scale = numbered(one, state.zones.map((zone) => this.figure(zone.code)));
    const look = (code) => {
      const figure = this.figure(code);
      const band = figure && figure.value !== null ? bandOf(figure, one) : null;
      const text = figure && figure.value !== null ? brief(figure.value, 3) : "–";
      return { figure, band, text, fill: band ? band.colour : scale.colour(figure), known: Boolean(figure && figure.value !== null) };
    };
    this.ground.paint(look, (zone) => titled(zone));
    setText(this.moment, this.atMs ? t("map.at", { time: when(this.atMs) }) : t("map.at_now"));
    fill(this.legend, (one?.bands ?? []).map((band) => h("li", {}, chipOf(bandOf({ band: band.number }, one)))),
      scale.parts.map(([colour, text]) => h("li", { class: "row" }, h("span", { class: "swatch", style: { background: colour } }), text)));
    fill(this.zoneList, table([
      { title: t("map.zone"), cell: (zone) => h("button", { type: "button", class: "quiet link", on: { click: () => this.ground.goToZone(zone.code) }, disabled: !zone.geometry }, titled(zone)) },
      { title: t("map.value"), number: true, cell: (zone) => `${look(zone.code).text} ${one ? unitText(one.symbol ?? one.unit) : ""}`.trim() },
      { title: t("map.band"), cell: (zone) => (look(zone.code).band ? chipOf(look(zone.code).band) : word(look(zone.code).figure)) },
    ], state.zones, { caption: t("map.zones_caption"), testid: "map-zones" }));
  }

  zoneCard(code) {
    const zone = state.zones.find((one) => one.code === code);
    const figure = this.figure(code);
    const one = this.definition;
    return h("div", { class: "stack card" }, h("strong", {}, titled(zone)), h("span", {}, titled(one)),
      figure && figure.value !== null
        ? h("span", { class: "strong" }, `${brief(figure.value, 5)} ${unitText(one.symbol ?? one.unit)}`) : h("span", {}, t("figure.none")),
      figure ? h("span", { class: "small muted" }, `${when(figure.startMs)} · ${t(`status.${figure.status}`)}`) : null,
      one ? h("a", { href: `#/explore?i=${one.code}/${one.window}/zone:${code}` }, t("map.explore")) : null);
  }

  listDevices() {
    const words = this.filter.value.toLowerCase();
    const order = Object.keys(HEALTH);
    const found = this.devices.filter((one) => `${one.code} ${one.zone} ${one.model}`.toLowerCase().includes(words))
      .sort((a, b) => order.indexOf(healthOf(a)) - order.indexOf(healthOf(b)));
    fill(this.deviceList, h("p", { class: "small muted" }, counted("map.devices_found", found.length)), table([
      { title: t("map.device"), cell: (one) => h("button", { type: "button", class: "quiet link", on: { click: () => this.#open(one) } }, one.code) },
      { title: t("map.health"), cell: (one) => h("span", { class: `row health-${healthOf(one)}` }, shape(HEALTH[healthOf(one)].shape), t(`health.state.${healthOf(one)}`)) },
    ], found.slice(0, ROWS_MAX), { caption: t("map.devices_caption"), testid: "map-devices" }));
  }

  #open(device) {
    if (this.ground.goToDevice(device)) return;
    const dialog = h("dialog", { "aria-label": device.code }, deviceCard(device, this.atMs),
      h("form", { method: "dialog", class: "row" }, h("button", { class: "primary" }, t("close"))));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  end() {
    this.abort.abort();
    this.ground.end();
  }
}

function word(figure) {
  return h("span", { class: "word" }, t(figure ? `status.${figure.status === "valid" ? "no_band" : figure.status}` : "status.none"));
}
