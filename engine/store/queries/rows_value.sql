unnest(%(start)s::timestamptz[], %(ticks)s::bigint[], %(received)s::bigint[], %(expected)s::bigint[],
       %(indicator)s::int[], %(scope)s::int[], %(driver)s::int[], %(band)s::int[], %(revision)s::int[])
    AS s (start, ticks, received, expected, indicator_id, scope_id, driver, band, revision)
