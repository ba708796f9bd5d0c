// Leaflet without tiles: outlines, names and points on a plain ground. Knows Leaflet and geometry; how things look is said
// to it, and what a click tells it asks for.

import * as L from "../../vendor/leaflet-1.9.4/leaflet-src.esm.js";
import { h, style } from "../dom.js";
import { shape } from "../bands.js";
import { token } from "../chart.js";

const SVG_DEVICES_MAX = 1_500; // beyond it points are drawn on a canvas
const REM_PX = 16;
const NAME_PX_MIN = 56; // a zone that is narrower shows its value alone
const NO_PLACE = [[-0.01, -0.01], [0.01, 0.01]];

/** A map in `element`; `cards` give what a click shows, `zone(code)` and `device(device)`. */
export class Ground {
  constructor(element, cards) {
    this.cards = cards;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.map = L.map(element, {
      attributionControl: false, zoomSnap: 0.25, fadeAnimation: !still,
      zoomAnimation: false, // one that runs on when the view is left would fail
      inertia: !still, minZoom: 2, maxZoom: 19,
    });
    this.map.fitBounds(NO_PLACE);
    this.zones = new Map();
    this.points = new Map();
    this.areas = L.layerGroup().addTo(this.map);
    this.dots = L.layerGroup().addTo(this.map);
    L.control.scale({ imperial: false }).addTo(this.map);
    this.map.on("zoomend resize", () => this.#room());
    this.sizes = new ResizeObserver(() => this.map.invalidateSize({ animate: false }));
    this.sizes.observe(element);
  }

  /** Take the zones with their outlines. */
  setZones(zones) {
    this.areas.clearLayers();
    this.zones.clear();
    for (const zone of zones) {
      if (!zone.geometry) continue;
      const area = L.geoJSON({ type: "Feature", geometry: zone.geometry, properties: {} });
      area.bindPopup(() => this.cards.zone(zone.code), { maxWidth: 360 });
      area.bindTooltip(() => h("span", {}, this.titleOf(zone)), { sticky: true });
      area.addTo(this.areas);
      const middle = zone.centre ? [zone.centre[1], zone.centre[0]] : area.getBounds().getCenter();
      const label = L.tooltip({ permanent: true, direction: "center", className: "zone-label", interactive: false }).setLatLng(middle);
      label.addTo(this.areas);
      this.zones.set(zone.code, { zone, area, label });
    }
    this.#frame();
  }

  /** Take the devices, each as `lookOf(device)` says: radius, colour, whether it is full. Those without a place stand in lists. */
  setDevices(devices, lookOf) {
    const placed = devices.filter((one) => Number.isFinite(one.latitude) && Number.isFinite(one.longitude));
    const renderer = placed.length > SVG_DEVICES_MAX ? (this.canvas ??= L.canvas({ padding: 0.3 })) : undefined;
    const there = new Set();
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / REM_PX; // a wall of 3840 pixels has larger points
    for (const device of placed) {
      const { radius: points, colour, full } = lookOf(device);
      const radius = points * scale;
      // Not only by colour: who is not heard is an open ring with gaps.
      const look = { radius, color: full ? token("ink") : colour, weight: full ? 1.5 : 2.5, fillColor: colour, fillOpacity: full ? 1 : 0.3, dashArray: full ? null : "4 3" };
      there.add(device.code);
      const known = this.points.get(device.code);
      if (known) {
        known.device = device;
        known.dot.setStyle(look).setRadius(look.radius);
        continue;
      }
      const entry = { device };
      entry.dot = L.circleMarker([device.latitude, device.longitude], { ...look, renderer });
      entry.dot.bindPopup(() => this.cards.device(entry.device), { maxWidth: 420 });
      entry.dot.bindTooltip(() => h("span", {}, entry.device.code));
      entry.dot.addTo(this.dots);
      this.points.set(device.code, entry);
    }
    for (const [code, { dot }] of this.points) {
      if (there.has(code)) continue;
      dot.remove();
      this.points.delete(code);
    }
    this.#frame();
  }

  /** Colour the zones: `look(code)` gives fill, band and text, `title(zone)` the name. */
  paint(look, title) {
    this.titleOf = title;
    for (const { zone, area, label } of this.zones.values()) {
      const { fill: colour, band, text, known } = look(zone.code);
      area.setStyle({
        color: token("ink-2"), weight: known ? 1.5 : 1, fillColor: colour, fillOpacity: known ? 0.72 : 0.25, dashArray: known ? null : "4 4",
      });
      label.setContent(h("span", { class: "zone-name" },
        known ? h("span", { class: "value" }, band ? shape(band.shape) : null, text) : null, h("span", { class: "name" }, title(zone))));
    }
    this.#room();
  }

  /** Give each name as much room as its zone has on the screen: names must not cover each other. */
  #room() {
    for (const { area, label } of this.zones.values()) {
      const bounds = area.getBounds();
      const width = this.map.latLngToContainerPoint(bounds.getNorthEast()).x - this.map.latLngToContainerPoint(bounds.getSouthWest()).x;
      const element = label.getElement();
      if (!element) continue;
      style(element, "--room", `${Math.round(width * 0.9)}px`);
      element.classList.toggle("narrow", width < NAME_PX_MIN);
      // Wider or narrower than before: its middle stays where it was.
      label.update();
    }
  }

  goToZone(code) {
    const found = this.zones.get(code);
    if (!found) return;
    this.map.fitBounds(found.area.getBounds(), { padding: [40, 40], maxZoom: 15 });
    found.area.openPopup(found.area.getBounds().getCenter());
  }

  /** Go to a device and open its card; false where it has no place. */
  goToDevice(device) {
    const found = this.points.get(device.code);
    if (!found) return false;
    this.map.setView(found.dot.getLatLng(), Math.max(this.map.getZoom(), 14));
    found.dot.openPopup();
    return true;
  }

  /** Show everything, the first time that there is anything. */
  #frame() {
    if (this.framed) return;
    const bounds = L.latLngBounds([]);
    for (const { area } of this.zones.values()) bounds.extend(area.getBounds());
    for (const { dot } of this.points.values()) bounds.extend(dot.getLatLng());
    if (!bounds.isValid()) return;
    this.map.fitBounds(bounds, { padding: [16, 16], maxZoom: 15, animate: false });
    this.framed = this.zones.size > 0 && this.points.size > 0;
  }

  end() {
    this.sizes.disconnect();
    this.map.remove();
  }
}
