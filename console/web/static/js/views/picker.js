// The list from which series and indicators are chosen, with a search. Shows a bounded part and says how many there are.

import { h, fill, setText } from "../dom.js";
import { counted, t } from "../i18n.js";
import { settled, trouble } from "./parts.js";
import { indicatorChoices, seriesChoices } from "./sources.js";

const SHOWN_MAX = 120;

/** A search field and what it finds; `toggle(id)` chooses or leaves out, `chosen()` gives what is chosen. */
export class Picker {
  constructor(toggle, chosen) {
    this.toggle = toggle;
    this.chosen = chosen;
    this.series = [];
    this.abort = new AbortController();
    this.field = h("input", { type: "search", placeholder: t("picker.placeholder"), "aria-label": t("picker.search"), "data-testid": "picker-search",
      autocomplete: "off", on: { input: settled(() => this.show(), 120) } });
    this.count = h("p", { class: "small muted", role: "status" });
    this.list = h("ul", { class: "plain pick", "data-testid": "picker" });
    this.fault = h("div");
    this.element = h("div", { class: "stack" }, this.field, this.count, this.fault, this.list);
    this.asked = this.ask();
    this.show();
  }

  /** Ask for the series that there are, and return them; indicators are known. */
  async ask() {
    try {
      this.series = await seriesChoices(this.abort.signal);
      fill(this.fault);
    } catch (error) {
      if (error.name === "AbortError") return this.series;
      fill(this.fault, trouble(error, () => this.ask()));
    }
    this.show();
    return this.series;
  }

  show() {
    const words = this.field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = [...indicatorChoices(), ...this.series];
    const found = all.filter((one) => {
      const text = `${one.text} ${one.id}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const chosen = new Set(this.chosen());
    fill(this.list, found.slice(0, SHOWN_MAX).map((one) => h("li", {}, h("button", {
      type: "button", class: "pick-one", "aria-pressed": String(chosen.has(one.id)), dataset: { id: one.id },
      on: { click: () => this.#take(one.id) },
    }, h("span", { class: "kind" }, t(`picker.${one.kind}`)), h("span", {}, one.text)))));
    setText(this.count, found.length > SHOWN_MAX ? t("picker.first", { shown: SHOWN_MAX, n: found.length }) : counted("picker.found", found.length));
  }

  /** Show what there is by now, unless somebody is choosing: a list must not change under a finger. */
  showUnlessUsed() {
    if (!this.list.contains(document.activeElement)) this.show();
  }

  #take(id) {
    this.toggle(id);
    // The list was made anew: who chose by keyboard stays where they were.
    [...this.list.querySelectorAll("button")].find((button) => button.dataset.id === id)?.focus();
  }

  end() {
    this.abort.abort();
  }
}
