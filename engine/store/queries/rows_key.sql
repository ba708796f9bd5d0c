unnest(%(start)s::timestamptz[], %(series)s::int[]) AS k (start, series_id)
