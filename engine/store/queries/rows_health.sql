unnest(%(heard)s::timestamptz[], %(reading)s::timestamptz[], %(counted)s::bigint[], %(interval)s::bigint[],
       %(jitter)s::bigint[], %(offset)s::bigint[], %(device)s::int[], %(state)s::int[], %(clock)s::int[])
    AS s (last_heard_at, last_reading_at, counted_us, interval_us, jitter_us, clock_offset_us, device_id, state, clock)
