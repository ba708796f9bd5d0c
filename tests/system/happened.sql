-- What a recording of a few days has not: a silent gateway, a time in which we were away, figures that were corrected,
-- a whole year, and an alert. For dashboards that must have something to show.
INSERT INTO silence (kind, who, started_at, ended_at, interval_us, devices, noticed_at, detail, partition)
VALUES ('gateway', 'air-network', now() - INTERVAL '1 hour', NULL, 60000000, 4, now(), 'nothing came', 0),
       ('system', 'broker', now() - INTERVAL '2 hours', now() - INTERVAL '1 hour', NULL, 0, now(), 'it was away', 0);

INSERT INTO indicator_revision (indicator_id, scope_id, start, revision, received, expected, computed_at, reason, superseded_at)
SELECT indicator_id, scope_id, start, 1, received, expected, computed_at, 'late data', now()
FROM indicator_value
LIMIT 3;

INSERT INTO kpi_value (start, "end", received, expected, computed_at, scope_id, "year", revision, data_point, horizon, unit, value,
                       ratio, reason, validity, definition, facts, inputs)
SELECT start, "end", received, expected, computed_at, scope_id, 2025, 2, data_point, 'year', unit, value,
       ratio, reason, validity, definition, facts, inputs
FROM kpi_value
WHERE horizon = 'rolling';

INSERT INTO kpi_score (computed_at, scope_id, "year", revision, data_point, horizon, why_not, declared)
SELECT computed_at, scope_id, 2025, 2, data_point, 'year', 'no target', declared
FROM kpi_score
WHERE horizon = 'rolling';

INSERT INTO kpi_revision (start, "end", received, expected, computed_at, scope_id, "year", revision, data_point, horizon, unit, value,
                          ratio, reason, validity, definition, facts, inputs, change, superseded_at)
SELECT start, "end", received, expected, computed_at, scope_id, "year", 1, data_point, horizon, unit, value,
       ratio, reason, validity, definition, facts, inputs, 'late data', now()
FROM kpi_value
WHERE horizon = 'year' AND "year" = 2025
LIMIT 3;

INSERT INTO kpi_finding (first_seen, last_seen, "year", nth, horizon, rule, subject, severity, data_points, detail)
SELECT now(), now(), CASE horizon WHEN 'year' THEN 2025 ELSE 0 END, 9, horizon, 'a check', '', 'question', '{}', 'too high'
FROM unnest('{year,rolling,to_date}'::text[]) horizon;

INSERT INTO alert (opened_at, updated_at, members, grouped, rule, scope_kind, scope, kind, severity, title, detail, subject, unit,
                   examples, cause, acknowledged_by, shelved_by)
VALUES (now(), now(), 1, false, 'pm', 'zone', 'air', 'threshold', 'warning', 'Particles', 'too many', '', '', '{}', '', '', '');
