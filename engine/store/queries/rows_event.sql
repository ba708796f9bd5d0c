unnest(%(event_series)s::int[], %(event_time)s::timestamptz[], %(event_kind)s::text[], %(event_before)s::bigint[],
       %(event_after)s::bigint[])
    AS n (series_id, time, kind, before_ticks, after_ticks)
