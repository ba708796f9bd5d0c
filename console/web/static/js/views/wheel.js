// The wheel of KPIs: dimensions inside, then sub-dimensions and categories, and a spoke for each data point, as long as the
// share of its target that it reaches. Knows geometry and bands; where figures come from is not its business.

import { s, attribute } from "../dom.js";
import { groupTitle, t } from "../i18n.js";

const SIZE = 640;
const CENTRE = SIZE / 2;
const RINGS = [[58, 102], [104, 152], [154, 226]];
const SPOKE = [230, 318];
const GAP = 0.006;
const LETTER = { latin: { width: 6.2, least: 4 }, hangul: { width: 10, least: 2 } }; // of a caption, and how few of them still say something

/**
 * Return the wheel.
 *
 * @param root the tree of `groupsOf`: nodes `{name, path, children, points, band, percent}`.
 * @param choose called with the path of a group, or with a data point.
 */
export function wheel(root, choose) {
  const parts = [];
  const svg = s("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "wheel", role: "group", "aria-label": t("kpis.wheel"), "data-testid": "wheel" });
  const total = root.points.length || 1;
  let at = 0;
  for (const point of root.points) {
    point.from = (at / total) * 2 * Math.PI;
    at += 1;
    point.to = (at / total) * 2 * Math.PI;
  }
  for (const [r0, r1] of [SPOKE]) {
    for (const share of [0.33, 0.66, 0.95]) svg.append(s("circle", { class: "edge", cx: CENTRE, cy: CENTRE, r: r0 + share * (r1 - r0) }));
  }
  draw(root, 0);
  for (const point of root.points) spoke(point);
  svg.append(s("circle", { class: `seg score-${root.band}`, cx: CENTRE, cy: CENTRE, r: 54 }),
    s("text", { class: "whole", x: CENTRE, y: CENTRE - 4 }, root.percent === null ? "–" : `${Math.floor(root.percent)}%`),
    s("text", { class: "whole-note", x: CENTRE, y: CENTRE + 16 }, t("kpis.of_most")));
  rove(svg, parts);
  return svg;

  function draw(node, ring) {
    for (const child of node.children) {
      const [r0, r1] = RINGS[ring];
      const from = child.points[0].from;
      const to = child.points.at(-1).to;
      const name = groupTitle(child.name);
      const label = `${name}: ${bandText(child.band)}${child.percent === null ? "" : `, ${Math.floor(child.percent)}%`}, ${t("kpis.scored", { n: child.scored, all: child.points.length })}`;
      const segment = s("path", { class: `seg score-${child.band}`, d: sector(r0, r1, from + GAP, to - GAP), role: "button", tabindex: -1, "aria-label": label,
        on: { click: () => choose(child), keydown: (event) => enter(event, () => choose(child)) } }, s("title", {}, label));
      svg.append(segment);
      parts.push({ element: segment, ring, from });
      const text = caption(name, (r0 + r1) / 2, from, to, r1 - r0, child.band);
      if (text) svg.append(text);
      if (ring + 1 < RINGS.length) draw(child, ring + 1);
    }
  }

  function spoke(point) {
    const [r0, r1] = SPOKE;
    const share = point.percent === null ? 0 : Math.min(1, Math.max(0.06, point.percent / 100));
    const label = `${point.key} ${point.title}: ${point.text}, ${bandText(point.band)}`;
    const whole = s("path", { class: "spoke-room", d: sector(r0, r1, point.from + GAP / 2, point.to - GAP / 2) });
    const element = s("g", { class: `spoke ${point.state}`, role: "button", tabindex: -1, "aria-label": label,
      on: { click: () => choose(point), keydown: (event) => enter(event, () => choose(point)) } },
    s("title", {}, label), whole, point.band ? s("path", { class: `seg score-${point.band}`, d: sector(r0, r0 + share * (r1 - r0), point.from + GAP / 2, point.to - GAP / 2) })
      : point.value !== null ? s("circle", { class: "told", ...place((r0 + 12), (point.from + point.to) / 2), r: 3 }) : null);
    svg.append(element);
    parts.push({ element, ring: RINGS.length, from: point.from });
  }
}

function bandText(band) {
  return band ? t("kpis.band", { n: band }) : t("kpis.no_band");
}

function enter(event, work) {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  work();
}

function place(radius, angle) {
  return { cx: (CENTRE + radius * Math.sin(angle)).toFixed(2), cy: (CENTRE - radius * Math.cos(angle)).toFixed(2) };
}

function sector(r0, r1, from, to) {
  const large = to - from > Math.PI ? 1 : 0;
  const at = (r, a) => `${(CENTRE + r * Math.sin(a)).toFixed(2)} ${(CENTRE - r * Math.cos(a)).toFixed(2)}`;
  return `M${at(r0, from)}L${at(r1, from)}A${r1} ${r1} 0 ${large} 1 ${at(r1, to)}L${at(r0, to)}A${r0} ${r0} 0 ${large} 0 ${at(r0, from)}Z`;
}

/** Return a name along its segment; null where it would not fit. */
function caption(name, radius, from, to, depth, band) {
  const middle = (from + to) / 2;
  const along = (to - from) * radius;
  const across = along < 46;
  const letter = /[\u1100-\ud7ff]/.test(name) ? LETTER.hangul : LETTER.latin;
  const room = Math.floor((across ? depth : along) / letter.width);
  if (across && along < 12) return null;
  if (room < letter.least) return null;
  const text = name.length > room ? `${name.slice(0, room - 1)}…` : name;
  const { cx, cy } = place(radius, middle);
  let turn = (middle * 180) / Math.PI + (across ? -90 : 0);
  if (across ? turn > 90 && turn < 270 : middle > Math.PI / 2 && middle < 1.5 * Math.PI) turn += 180;
  return s("text", { class: band ? "name on-band" : "name", x: cx, y: cy, transform: `rotate(${turn.toFixed(1)} ${cx} ${cy})`, "aria-hidden": "true" }, text);
}

/** One stop for the keyboard: arrows go around and from ring to ring. */
function rove(svg, parts) {
  let current = parts[0];
  if (!current) return;
  attribute(current.element, "tabindex", 0);
  const go = (next) => {
    if (!next) return;
    attribute(current.element, "tabindex", -1);
    current = next;
    attribute(current.element, "tabindex", 0);
    current.element.focus();
  };
  const ringOf = (ring) => parts.filter((one) => one.ring === ring).sort((a, b) => a.from - b.from);
  svg.addEventListener("focusin", (event) => {
    const found = parts.find((one) => one.element === event.target);
    if (found && found !== current) go(found);
  });
  svg.addEventListener("keydown", (event) => {
    const same = ringOf(current.ring);
    const index = same.indexOf(current);
    const nearest = (ring) => ringOf(ring).findLast((one) => one.from <= current.from + 1e-9) ?? ringOf(ring)[0];
    const next = {
      ArrowRight: () => same[(index + 1) % same.length], ArrowLeft: () => same[(index + same.length - 1) % same.length],
      ArrowUp: () => nearest(current.ring + 1), ArrowDown: () => nearest(current.ring - 1),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    go(next());
  });
}
