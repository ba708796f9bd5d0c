// One tile of the wall: a figure with its band, its past, its coverage and its age. Changes only what differs.

import { h, attribute, setText, style } from "../dom.js";
import { bandOf } from "../bands.js";
import { bandChip, ring, sparkline } from "../figures.js";
import { brief, percent, span, unitText, when } from "../format.js";
import { has, t, titled } from "../i18n.js";
import { covered, endMs } from "../records.js";
import { definitionOf, nowMs, zoneOf } from "../state.js";

const CHANGED_MS = 5_000;

/** A tile; `element` stands in the wall's list. */
export class Tile {
  constructor(key) {
    this.key = key;
    this.zone = h("span", { class: "zone" });
    this.title = h("span", { class: "title" });
    this.ring = ring();
    this.coverage = h("span", { class: "visually-hidden" });
    this.value = h("span", { class: "value", "data-testid": "tile-value" });
    this.unit = h("span", { class: "unit" });
    this.delta = h("span", { class: "delta" });
    this.chip = bandChip({ "data-testid": "tile-band" });
    this.word = h("span", { class: "word" });
    this.driver = h("span", { class: "driver" });
    this.spark = sparkline();
    this.ageText = h("span");
    this.windowText = h("b");
    this.link = h("a", { class: "tile", "data-testid": "tile" },
      h("span", { class: "head" }, h("span", { class: "names" }, this.zone, this.title), this.ring.element, this.coverage),
      h("span", { class: "figure" }, this.value, h("span", { class: "beside" }, this.unit, this.delta)),
      h("span", { class: "words" }, this.chip.element, this.driver),
      h("span", { class: "foot" }, this.spark.element,
        h("span", { class: "age" }, h("span", { class: "which" }, this.word, this.windowText), this.ageText)));
    this.element = h("li", { class: "tile-box" }, this.link);
  }

  /** Show a figure. */
  show(figure) {
    const definition = definitionOf(figure);
    const band = bandOf(figure, definition);
    this.figure = figure;
    this.band = band;
    const zone = figure.scope === "city" ? t("scope.city") : titled(zoneOf(figure.scope)) || figure.scope;
    setText(this.zone, zone);
    setText(this.title, titled(definition) || figure.indicator);
    const text = brief(figure.value, 4);
    setText(this.value, text);
    style(this.link, "--value-size", `${Math.min(21, 100 / Math.max(4, text.length)).toFixed(1)}cqi`);
    setText(this.unit, figure.value === null ? t("figure.none") : unitText(definition?.symbol ?? figure.unit));
    this.chip.draw(band);
    style(this.link, "--band", band?.colour);
    this.ring.draw(figure.coverage);
    this.#words(figure);
    setText(this.driver, figure.driver ? t("figure.driver", { driver: driverName(figure.driver) }) : "");
    this.spark.draw(figure.history);
    setText(this.delta, change(figure, definition));
    attribute(this.link, "href", `#/explore?i=${figure.indicator}/${figure.window}/${encodeURIComponent(figure.scope)}`);
    this.link.dataset.status = figure.status;
    this.link.dataset.covered = covered(figure.coverage, (definition?.coverage_percent_min ?? 75) / 100);
    this.link.dataset.key = figure.key;
    this.age();
    // The ring is a picture; in words it is part of the link's name like everything else on the tile.
    setText(this.coverage, t("figure.coverage", { share: percent(figure.coverage) }));
  }

  #words(figure) {
    const key = `status.${figure.status}`;
    const plain = figure.status === "valid";
    setText(this.word, plain || !has(key) ? "" : t(key));
    attribute(this.word, "hidden", plain);
    this.word.className = `word${figure.status === "incomplete" ? " bad" : figure.status === "open" ? " warn" : ""}`;
  }

  /** Show how old the figure is by now. */
  age() {
    const end = endMs(this.figure);
    if (end === null) {
      setText(this.ageText, "–");
      return;
    }
    const seconds = (nowMs() - end) / 1000;
    setText(this.windowText, this.figure.window === "day" ? when(this.figure.startMs, "day") : when(this.figure.startMs, "time"));
    setText(this.ageText, seconds < 0 ? t("figure.running") : t("figure.ended", { span: span(seconds) }));
    const fresh = this.figure.changedMs !== null && nowMs() - this.figure.changedMs < CHANGED_MS;
    this.link.classList.toggle("changed", fresh);
  }
}

/** Return how a figure stands to the window before, `▲ 3.2`; empty where one of them is not known. */
function change(figure, definition) {
  const before = figure.history?.at(-2);
  if (figure.value === null || before === null || before === undefined) return "";
  const now = Number(figure.value);
  const digits = definition?.decimals ?? 3;
  const difference = Number((now - before).toFixed(digits));
  if (!difference) return "＝";
  return `${difference > 0 ? "▲" : "▼"} ${brief(Math.abs(difference).toFixed(digits), 3)}`;
}

const DRIVERS = { pm2_5: "PM2.5", pm10: "PM10", no2: "NO₂", so2: "SO₂", o3: "O₃", co: "CO" };

/** Return a driver's code as people write it. */
export function driverName(code) {
  return code.split(",").map((one) => DRIVERS[one.trim()] ?? one.trim()).join(", ");
}
