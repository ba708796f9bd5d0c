-- Revisions come as 0 for open cells and 1 for closed ones. A closed cell never opens again; each change of its figures
-- raises its revision. Cells that stand so already are not written.
INSERT INTO window_day AS old (start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected, series_id, revision)
SELECT start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected, series_id, revision
FROM :rows_cell
ORDER BY series_id, start
ON CONFLICT (series_id, start) DO UPDATE
SET count = excluded.count, low = excluded.low, high = excluded.high, sum_0 = excluded.sum_0, sum_1 = excluded.sum_1,
    sum_2 = excluded.sum_2, sum_3 = excluded.sum_3, expected = excluded.expected,
    revision = CASE
        WHEN old.revision = 0 THEN excluded.revision
        WHEN (old.count, old.low, old.high, old.sum_0, old.sum_1, old.sum_2, old.sum_3, old.expected)
             = (excluded.count, excluded.low, excluded.high, excluded.sum_0, excluded.sum_1, excluded.sum_2, excluded.sum_3,
                excluded.expected)
        THEN old.revision
        ELSE old.revision + 1
    END
WHERE (old.count, old.low, old.high, old.sum_0, old.sum_1, old.sum_2, old.sum_3, old.expected)
      IS DISTINCT FROM
      (excluded.count, excluded.low, excluded.high, excluded.sum_0, excluded.sum_1, excluded.sum_2, excluded.sum_3, excluded.expected)
   OR old.revision < excluded.revision
