-- Flags of rules that no longer hold for their series.
DELETE FROM observation_flag f
WHERE f.series_id = ANY(%(known)s::int[])
  AND NOT EXISTS (
      SELECT
      FROM unnest(%(series)s::int[], %(rules)s::int[]) AS j (series_id, rule)
      WHERE j.series_id = f.series_id AND j.rule = f.rule
  )
