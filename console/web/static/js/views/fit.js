// How many columns a wall of tiles takes, so that all of them are seen and each is as large as can be. Arithmetic only.

/**
 * Return columns and the height of a tile.
 *
 * As few columns as let every tile be seen without scrolling; where that would make tiles narrower than `least`, as many
 * columns as `least` allows, and the wall scrolls.
 */
export function fit(count, width, height, { least, most, ratio, gap }) {
  const columnsMax = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const columnsMin = Math.min(columnsMax, Math.max(1, Math.ceil((width + gap) / (most + gap))));
  for (let columns = columnsMin; columns <= columnsMax; columns += 1) {
    const tile = tileHeight(columns, width, ratio, gap);
    const rows = Math.ceil(count / columns);
    if (rows * tile + (rows - 1) * gap <= height) {
      // What is left over below is shared out, up to a third: a wall should be full.
      const spare = (height - (rows - 1) * gap) / Math.max(1, rows);
      return { columns, height: Math.floor(Math.min(spare, tile * 1.34)), fits: true };
    }
  }
  return { columns: columnsMax, height: Math.floor(tileHeight(columnsMax, width, ratio, gap)), fits: false };
}

function tileHeight(columns, width, ratio, gap) {
  return (width - (columns - 1) * gap) / columns / ratio;
}
