// Data points of KPIs as the page shows them, and their roll-up by category, sub-dimension, dimension and whole. The rule of
// the roll-up is the method's, as `cityvitals kpis scores` has it.

import { significant, unitText } from "../format.js";
import { t, titled } from "../i18n.js";

const PREFERRED = ["rolling", "year", "to_date", "month", "day"];
const EDGES = [[95, 4], [66, 3], [33, 2]];

/** Return a data point as the page uses it. */
export function pointOf(item) {
  const figure = (item.figures ?? []).filter((one) => (one.scope ?? "city") === "city").sort((a, b) =>
    (a.value === null) - (b.value === null) || PREFERRED.indexOf(a.horizon) - PREFERRED.indexOf(b.horizon) || (b.year ?? 0) - (a.year ?? 0))[0] ?? null;
  const declared = item.declared && !Array.isArray(item.declared) ? item.declared : null;
  const stated = declared && declared.exact !== null && declared.exact !== undefined ? declared : null;
  const live = figure && figure.value !== null ? figure : null;
  const shown = stated ?? live;
  const value = live && !stated ? live.value : stated ? ratioText(stated.exact) : null;
  return {
    item, figure, declared, value,
    key: item.key, title: titled(item, "name") + (item.data_point_name ? ` · ${item.data_point_name}` : ""),
    dimension: item.dimension, subDimension: item.sub_dimension, category: item.category,
    state: stated ? "declared" : live ? "live" : item.live === "no" ? "to_declare" : "missing",
    band: shown?.band ?? 0, percent: shown?.percent_of_target === null || shown?.percent_of_target === undefined ? null : Number(shown.percent_of_target),
    coverage: live && !stated ? live.coverage : null, validity: live && !stated ? live.validity : "",
    horizon: shown === stated ? (stated?.period ?? "") : live ? live.horizon : "",
    reason: shown ? "" : (figure?.reason ?? declared?.reason ?? ""),
    notScored: shown?.not_scored ?? "",
    text: value === null ? t("kpis.not_reported") : `${significant(value)} ${unitText(item.unit_label ?? item.unit)}`.trim(),
  };
}

/** Return an exact ratio such as `7/3` as a decimal text. */
export function ratioText(exact) {
  const [numerator, denominator = "1"] = String(exact).split("/");
  const value = Number(numerator) / Number(denominator);
  return String(Number(value.toPrecision(8)));
}

/** Return data points as a tree of dimensions, sub-dimensions and categories, each with its points and its band. */
export function groupsOf(points) {
  const levels = ["dimension", "subDimension", "category"];
  const grow = (members, path) => {
    const level = levels[path.length];
    const names = level ? [...new Set(members.map((one) => one[level]))] : [];
    const children = names.map((name) => grow(members.filter((one) => one[level] === name), [...path, name]));
    // Around the wheel in the order of the groups, so that each is one piece.
    const ordered = children.length ? children.flatMap((one) => one.points) : members;
    return { name: path.at(-1) ?? "", path, children, points: ordered, ...rollUp(ordered) };
  };
  return grow(points, []);
}

/** Return the roll-up of data points: points reached by the most that those with a score could have. */
export function rollUp(points) {
  const scored = points.filter((one) => one.band);
  if (!scored.length) return { scored: 0, percent: null, band: 0 };
  const percent = (100 * scored.reduce((sum, one) => sum + one.band, 0)) / (4 * scored.length);
  return { scored: scored.length, percent, band: EDGES.find(([edge]) => percent >= edge)?.[1] ?? 1 };
}
