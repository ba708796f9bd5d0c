SELECT count(*)
FROM observation
WHERE series_id = %(series)s AND time >= %(low)s AND time < %(high)s AND ticks BETWEEN %(least)s AND %(most)s
  AND ticks <> ALL(%(without)s::bigint[])
