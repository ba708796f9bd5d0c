DELETE FROM silence s
USING stage_silence g
WHERE g.absorbed AND s.kind = g.kind AND s.who = g.who AND s.started_at = g.started_at
