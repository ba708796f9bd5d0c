// What several views need: waiting, what went wrong, tables, a part that this server does not have.

import { h, fill } from "../dom.js";
import { t } from "../i18n.js";

/** Return words for an error of the API; `again` asks once more. */
export function trouble(error, again) {
  const missing = error?.missing === true;
  const text = missing ? t("part.missing") : error?.away ? t("part.no_answer") : t("part.failed", { reason: error?.message ?? String(error) });
  return h("div", { class: `notice ${missing ? "" : "error"}`, role: missing ? null : "alert", "data-testid": missing ? "missing" : "trouble" },
    h("p", {}, text),
    (error?.fields ?? []).map((fault) => h("p", { class: "small" }, `${fault.field}: ${fault.reason}`)),
    again ? h("p", {}, h("button", { type: "button", on: { click: again } }, t("part.again"))) : null);
}

/**
 * Fill `root` with what `ask` gives, drawn by `draw`; while it is asked nothing flickers. Only the newest question counts.
 * Where nobody answers, what stands there stays: the line at the top says that it is old.
 */
export function loader(root, draw) {
  let turn = 0;
  let abort = null;
  let stands = false;
  const load = async (ask) => {
    const mine = ++turn;
    abort?.abort();
    abort = new AbortController();
    if (!root.childElementCount) fill(root, h("p", { class: "empty" }, t("part.loading")));
    root.setAttribute("aria-busy", "true");
    try {
      const found = await ask(abort.signal);
      if (mine !== turn) return;
      draw(found);
      stands = true;
    } catch (error) {
      if (mine !== turn || error?.name === "AbortError" || (stands && error?.away)) return;
      stands = false;
      fill(root, trouble(error, () => load(ask)));
    } finally {
      if (mine === turn) root.removeAttribute("aria-busy");
    }
  };
  load.end = () => {
    turn += 1;
    abort?.abort();
  };
  return load;
}

/** Return a table; columns are `{title, number?, tight?, cell(row)}`. */
export function table(columns, rows, { caption, testid, row } = {}) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption ?? t("table") },
    h("table", { "data-testid": testid },
      caption ? h("caption", {}, caption) : null,
      h("thead", {}, h("tr", {}, columns.map((one) => h("th", { scope: "col", class: one.number ? "number" : "" }, one.title)))),
      h("tbody", {}, rows.map((item) => h("tr", row?.(item) ?? {}, columns.map((one) =>
        h("td", { class: `${one.number ? "number" : ""} ${one.tight ? "tight" : ""}` }, one.cell(item))))))));
}

/** Return a panel with a heading. */
export function panel(title, ...children) {
  return h("section", { class: "panel stack" }, title ? h("h2", {}, title) : null, ...children);
}

/** Return a list of facts: pairs of a name and text or nodes; those without a value are left out. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** Call `work` not before the calls stopped for a while. */
export function settled(work, ms = 250) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), ms);
  };
}
