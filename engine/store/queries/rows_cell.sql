unnest(%(start)s::timestamptz[], %(count)s::bigint[], %(low)s::bigint[], %(high)s::bigint[],
       %(sum_0)s::bigint[], %(sum_1)s::bigint[], %(sum_2)s::bigint[], %(sum_3)s::bigint[],
       %(expected)s::bigint[], %(series)s::int[], %(revision)s::int[])
    AS s (start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected, series_id, revision)
