// The wall: a tile for each indicator of each zone, the worst first, as large as the screen allows.

import { h, arrange, attribute, fill, setText, style } from "../dom.js";
import { keep, kept } from "../keepsake.js";
import { counted, t, titled } from "../i18n.js";
import { definitionOf, on, state } from "../state.js";
import { fit } from "./fit.js";
import { Tile } from "./tile.js";
import { worstFirst } from "./worst.js";

const TILES_MAX = 2_000;
const RATIO = 1.36;

/** Show the view in `root`; returns how to leave it. */
export function mount(root) {
  const view = new Wall(root);
  const ends = [
    on("figures", () => view.later()),
    on("definitions", () => view.later()),
    on("city", () => view.controls()),
    on("tick", () => view.age()),
  ];
  const sizes = new ResizeObserver(() => view.size());
  sizes.observe(view.list.parentElement);
  view.show();
  return () => {
    for (const end of ends) end();
    sizes.disconnect();
    cancelAnimationFrame(view.frame);
  };
}

class Wall {
  constructor(root) {
    this.tiles = new Map();
    this.window = kept("wall.window", "hour");
    this.order = kept("wall.order", "worst");
    this.kind = kept("wall.kind", "all");
    this.only = "";
    this.list = h("ul", { class: "wall figures", "data-testid": "wall", "aria-label": t("view.wall") });
    this.tally = h("p", { class: "tally", "data-testid": "tally" });
    this.empty = h("p", { class: "empty", hidden: true });
    this.tools = h("div", { class: "tools row spread" });
    fill(root, this.tools, this.empty, h("div", { class: "wall-room" }, this.list));
    this.controls();
  }

  /** Make the controls anew: the zones came, or a choice changed. Who stands on one of them stays there. */
  controls() {
    const focused = this.tools.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
    const zones = h("select", { "aria-label": t("wall.only"), "data-testid": "wall-only", on: { change: (event) => {
      this.only = event.target.value;
      this.show();
    } } },
    h("option", { value: "" }, t("wall.everything")),
    h("option", { value: "city" }, t("scope.city")),
    state.zones.map((zone) => h("option", { value: `zone:${zone.code}` }, titled(zone))));
    zones.value = this.only;
    fill(this.tools, this.tally, h("div", { class: "row" },
      this.#choice("window", [["hour", t("window.hour")], ["day", t("window.day")]]),
      this.#choice("kind", [["all", t("wall.all")], ["bands", t("wall.bands")]]),
      this.#choice("order", [["worst", t("wall.worst")], ["zones", t("wall.zones")]]), zones));
    if (focused) this.tools.querySelector(`[data-testid="${focused}"]`)?.focus();
    this.later();
  }

  #choice(name, values) {
    return h("div", { class: "group", role: "group", "aria-label": t(`wall.${name}`) }, values.map(([value, text]) => h("button", {
      type: "button", "aria-pressed": String(value === this[name]), "data-testid": `wall-${value}`,
      on: { click: () => {
        this[name] = value;
        keep(`wall.${name}`, value);
        this.controls();
      } },
    }, text)));
  }

  /** Show what changed with the next frame: many changes come at once. */
  later() {
    cancelAnimationFrame(this.frame);
    // A page in the background has no frames; it catches up when it is seen again.
    this.frame = requestAnimationFrame(() => this.show());
  }

  show() {
    const chosen = [...state.figures.values()].filter((figure) =>
      figure.window === this.window && (!this.only || figure.scope === this.only)
      && (this.kind === "all" || definitionOf(figure)?.bands.length));
    const ordered = (this.order === "worst" ? worstFirst(chosen) : byZone(chosen)).slice(0, TILES_MAX);
    const wanted = new Set(ordered.map((figure) => figure.key));
    for (const [key, tile] of this.tiles) {
      if (wanted.has(key)) continue;
      tile.element.remove();
      this.tiles.delete(key);
    }
    arrange(this.list, ordered.map((figure) => {
      let tile = this.tiles.get(figure.key);
      if (!tile) this.tiles.set(figure.key, (tile = new Tile(figure.key)));
      tile.show(figure);
      return tile.element;
    }));
    this.#tally(chosen);
    attribute(this.empty, "hidden", ordered.length > 0);
    setText(this.empty, state.figures.size ? t("wall.nothing_here") : t("wall.nothing_yet"));
    this.size();
  }

  #tally(figures) {
    const number = (status) => figures.filter((figure) => figure.status === status).length;
    const parts = [["figures", figures.length], ["incomplete", number("incomplete")], ["open", number("open")],
      ["none", number("none")]];
    fill(this.tally, parts.filter(([name, n]) => n || name === "figures").map(([name, n]) =>
      h("span", { class: name === "incomplete" ? "bad" : "" }, counted(`tally.${name}`, n))),
    state.leftOut ? h("span", { class: "bad" }, t("tally.left_out", { n: state.leftOut })) : null);
  }

  size() {
    const box = this.list.parentElement;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const room = innerHeight - box.getBoundingClientRect().top - scrollY - rem;
    const found = fit(this.tiles.size, box.clientWidth, room, { least: 14.5 * rem, most: 46 * rem, ratio: RATIO, gap: 0.75 * rem });
    style(this.list, "--columns", found.columns);
    style(this.list, "--tile-height", `${found.height}px`);
  }

  age() {
    for (const tile of this.tiles.values()) tile.age();
  }
}

function byZone(figures) {
  const places = new Map(state.zones.map((zone, place) => [`zone:${zone.code}`, place]));
  const place = (figure) => (figure.scope === "city" ? -1 : places.get(figure.scope) ?? 1e9);
  return worstFirst(figures).sort((a, b) => place(a) - place(b));
}
