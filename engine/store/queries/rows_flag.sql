unnest(%(time)s::timestamptz[], %(series)s::int[], %(rule)s::int[], %(excluded)s::int[])
    AS s (time, series_id, rule, excluded)
