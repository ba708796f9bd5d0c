-- As table_observation: the figures, not when and how often they were written.
COPY (
    SELECT i.code, i."window", p.kind, p.code, (extract(epoch FROM v.start) * 1000000)::bigint,
           v.ticks, v.band, m.code, v.received, v.expected
    FROM indicator_value v
    JOIN indicator i USING (indicator_id)
    JOIN scope p USING (scope_id)
    LEFT JOIN measurand m ON m.measurand_id = v.driver
    WHERE v.start >= %(low)s::timestamptz AND v.start < %(high)s::timestamptz
    ORDER BY i.code COLLATE "C", i."window" COLLATE "C", p.kind COLLATE "C", p.code COLLATE "C", v.start
) TO STDOUT
