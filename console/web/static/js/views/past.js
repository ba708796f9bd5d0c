// Figures of all zones at a past time, and a scale for indicators that have no bands. Asks the API; draws nothing.

import { list } from "../api.js";
import { token } from "../chart.js";
import { brief } from "../format.js";
import { figureOf, WINDOW_MS } from "../records.js";
import { state } from "../state.js";

const AT_A_TIME = 4;
const STEPS = 5;

/** Return by scope the figure of the window that holds a time, of the city and of every zone. */
export async function figuresAt(definition, atMs, signal) {
  const length = WINDOW_MS[definition.window];
  const asked = { from: new Date(atMs - length * 1.1).toISOString(), to: new Date(atMs + 1).toISOString() };
  const scopes = ["city", ...state.zones.map((zone) => `zone:${zone.code}`)];
  const found = new Map();
  const one = async () => {
    for (let scope = scopes.shift(); scope; scope = scopes.shift()) {
      const { items } = await list(`indicators/${definition.code}/${definition.window}/values`, { ...asked, scope }, { signal, most: 10 });
      const figures = items.map((item) => figureOf({ indicator: definition.code, window: definition.window, scope, ...item }))
        .filter((figure) => figure.startMs <= atMs).sort((a, b) => a.startMs - b.startMs);
      if (figures.length) found.set(scope, figures.at(-1));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, one));
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
