// Which figure is worse than which. Knows bands and coverage; draws nothing.

import { bandOf } from "../bands.js";
import { covered } from "../records.js";
import { definitionOf } from "../state.js";

/** Return figures in the order of the wall: worst band first, then least covered, then as the catalogue has them. */
export function worstFirst(figures) {
  return figures.map((figure) => [rank(figure), figure]).sort(([a], [b]) => {
    for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
  }).map(([, figure]) => figure);
}

const COVERED = { low: 0, unknown: 1, fair: 2, good: 3 };

function rank(figure) {
  const definition = definitionOf(figure);
  const band = figure.value === null ? null : bandOf(figure, definition);
  return [
    -(band?.severity ?? 0),
    // By class and not by number: a tile should not walk about with every reading.
    COVERED[covered(figure.coverage)],
    band ? 0 : 1,
    definition?.place ?? 1e9,
    figure.scope,
  ];
}
