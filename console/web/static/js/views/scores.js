// Data points of KPIs as the page shows them, and the tree of dimensions, sub-dimensions and categories with what each is
// worth. Bands and the roll-up are the server's, as `cityvitals kpis scores` has them; nothing is scored here.

import { significant, unitText } from "../format.js";
import { t, titled } from "../i18n.js";

const PREFERRED = ["rolling", "year", "to_date", "month", "day"];
const LEVELS = ["dimension", "subDimension", "category"];
const UNSCORED = { scored: 0, percent: null, band: 0 };

/**
 * Return a data point as the page uses it.
 *
 * @param item of `/kpis`.
 * @param score its row of `/kpis/scores`; undefined where the period has no scores.
 */
export function pointOf(item, score) {
  const figure = (item.figures ?? []).filter((one) => (one.scope ?? "city") === "city").sort((a, b) =>
    (a.value === null) - (b.value === null) || PREFERRED.indexOf(a.horizon) - PREFERRED.indexOf(b.horizon) || (b.year ?? 0) - (a.year ?? 0))[0] ?? null;
  const declared = item.declared && !Array.isArray(item.declared) ? item.declared : null;
  const stated = declared && declared.exact !== null && declared.exact !== undefined ? declared : null;
  const live = figure && figure.value !== null ? figure : null;
  const unit = unitText(item.unit_label ?? item.unit);
  const value = live && !stated ? valueOf(live) : stated ? ratioText(stated.exact) : null;
  return {
    value, key: item.key, title: titled(item, "name") + (item.data_point_name ? ` · ${titled(item, "data_point_name")}` : ""),
    dimension: item.dimension, subDimension: item.sub_dimension, category: item.category,
    state: stated ? "declared" : live ? "live" : item.live === "no" ? "to_declare" : "missing",
    band: score?.band ?? 0, percent: numberOf(score?.percent_of_target),
    coverage: live && !stated ? live.coverage : null, validity: live && !stated ? live.validity : "",
    horizon: stated ? (stated.period ?? "") : live ? live.horizon : "",
    number: significant(value), unit,
    text: value === null ? t("kpis.not_reported") : `${significant(value)} ${unit}`.trim(),
  };
}

/**
 * Return what a figure is as a decimal text: of its exact ratio, for the six decimals of `value` cut what is small, down
 * to a zero that it is not. Ratios of thousands of digits are beyond this language's numbers; their `value` is not.
 */
export function valueOf(figure) {
  const text = figure.exact ? ratioText(figure.exact) : "";
  return text && Number.isFinite(Number(text)) ? text : figure.value;
}

/** Return an exact ratio such as `7/3` as a decimal text. */
export function ratioText(exact) {
  const [numerator, denominator = "1"] = String(exact).split("/");
  const value = Number(numerator) / Number(denominator);
  return String(Number(value.toPrecision(8)));
}

/** Return the rows of `/kpis/scores` by what they are of: data points by key, groups by their path. */
export function scoresOf(rows) {
  const points = new Map();
  const groups = new Map();
  for (const row of rows) {
    if (row.row === "data_point") points.set(row.data_point, row);
    else groups.set(pathKey([row.dimension, row.sub_dimension, row.category].filter((name) => name !== null)), row);
  }
  return { points, groups };
}

/** Return data points as a tree of dimensions, sub-dimensions and categories, each with its points and what it is worth. */
export function treeOf(points, groups) {
  const grow = (members, path) => {
    const level = LEVELS[path.length];
    const names = level ? [...new Set(members.map((one) => one[level]))] : [];
    const children = names.map((name) => grow(members.filter((one) => one[level] === name), [...path, name]));
    // Around the wheel in the order of the groups, so that each is one piece.
    const ordered = children.length ? children.flatMap((one) => one.points) : members;
    return { name: path.at(-1) ?? "", path, children, points: ordered, ...worth(groups.get(pathKey(path))) };
  };
  return grow(points, []);
}

function worth(row) {
  return row ? { scored: row.scored, percent: numberOf(row.percent), band: row.band ?? 0 } : UNSCORED;
}

function pathKey(path) {
  return path.join("\n");
}

function numberOf(text) {
  return text === null || text === undefined ? null : Number(text);
}
