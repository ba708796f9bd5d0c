// Figures of all zones at a past time, and a scale for indicators that have no bands. Asks the API; draws nothing.

import { list } from "../api.js";
import { token } from "../chart.js";
import { brief } from "../format.js";
import { figureOf, WINDOW_MS } from "../records.js";

const FIGURES_MAX = 30_000;
const STEPS = 5;

/**
 * Return by scope the figure of the window that holds a time, else of the one before; of every zone or every station.
 *
 * @param kind `zone` or `station`.
 */
export async function figuresAt(definition, atMs, kind, signal) {
  const length = WINDOW_MS[definition.window];
  const path = `indicators/${definition.code}/${definition.window}/values`;
  const asked = { from: new Date(atMs - 2.1 * length).toISOString(), to: new Date(atMs + 1).toISOString(), scope: kind };
  const { items } = await list(path, asked, { signal, most: FIGURES_MAX, page: 10_000 });
  const found = new Map();
  for (const item of items) {
    const figure = figureOf(item);
    const known = found.get(figure.scope);
    // A window that has only begun may have no figure yet: then the one before stands.
    if (!known || figure.value !== null) found.set(figure.scope, figure);
  }
  return found;
}

/**
 * Return how values without bands are coloured: `colour(figure)` in equal steps from the least to the greatest that is
 * shown, and `parts` for the legend. Where there are bands nothing is coloured here.
 */
export function numbered(definition, figures) {
  const nothing = { colour: () => token("none"), parts: [] };
  if (!definition || definition.bands?.length) return nothing;
  const values = figures.filter((one) => one && one.value !== null).map((one) => Number(one.value));
  if (!values.length) return nothing;
  const low = Math.min(...values);
  const high = Math.max(...values);
  const step = (high - low) / STEPS || 1;
  const place = (value) => Math.min(STEPS - 1, Math.floor((value - low) / step));
  const colours = Array.from({ length: STEPS }, (_, i) => `hsl(205 75% ${document.documentElement.dataset.theme === "light" ? 82 - i * 13 : 24 + i * 12}%)`);
  const used = high === low ? [0] : colours.map((_, i) => i);
  return {
    colour: (figure) => (figure && figure.value !== null ? colours[place(Number(figure.value))] : token("none")),
    parts: used.map((i) => [colours[i], high === low ? brief(String(low), 3) : `${brief(String(low + i * step), 3)} – ${brief(String(low + (i + 1) * step), 3)}`]),
  };
}
