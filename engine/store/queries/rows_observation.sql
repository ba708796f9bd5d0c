unnest(%(time)s::timestamptz[], %(ticks)s::bigint[], %(series)s::int[], %(flags)s::int[], %(key)s::int[])
    AS s (time, ticks, series_id, flags, key)
