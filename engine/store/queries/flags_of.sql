-- Flags of the staged spans, by one look into the index for each.
SELECT string_agg(int4send(s.slot) || timestamptz_send(f.time) || int4send(f.rule) || int4send(f.excluded::int), ''::bytea)
FROM stage_span s
CROSS JOIN LATERAL (
    SELECT time, rule, excluded
    FROM observation_flag
    WHERE series_id = s.series_id AND time >= s.low AND time < s.high
    OFFSET 0
) f
