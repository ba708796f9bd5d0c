-- For people and other programs: every table with codes, units and decimal values spelled out. Values are exact numerics.

CREATE VIEW v_measurand AS
SELECT code AS measurand, title, unit, kind, decimals, step AS resolution, low_ticks * step AS low, high_ticks * step AS high, states, source
FROM measurand;
COMMENT ON VIEW v_measurand IS 'Measurands with their plausible range in the unit.';

CREATE VIEW v_device_model AS
SELECT code AS model, title, codec
FROM device_model;
COMMENT ON VIEW v_device_model IS 'Types of hardware.';

CREATE VIEW v_device AS
SELECT d.code AS device, m.code AS model, d.title, d.zone, d.gateway, d.topic, d.latitude, d.longitude, d.in_service_from, d.in_service_to, d.listed
FROM device d
JOIN device_model m USING (model_id);
COMMENT ON VIEW v_device IS 'Installed devices.';

CREATE VIEW v_series AS
SELECT s.series_id, d.code AS device, s.field, m.code AS measurand, m.unit, m.kind, d.zone, s.interval_us / 1000000.0 AS interval_s, s.listed, s.seen
FROM series s
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id);
COMMENT ON VIEW v_series IS 'Series with device, field and measurand.';

CREATE VIEW v_observation AS
SELECT d.code AS device, s.field, m.code AS measurand, o.time, o.ticks * m.step AS value, m.unit,
       CASE WHEN m.kind = 'state' THEN m.states[o.ticks + 1] END AS state,
       o.flags & 1 = 1 AS time_from_arrival,
       o.series_id
FROM observation o
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id);
COMMENT ON VIEW v_observation IS 'Observations as exact decimals in the measurand''s unit.';

CREATE VIEW v_bucket_minute AS
SELECT d.code AS device,
       s.field,
       m.code AS measurand,
       m.kind,
       m.unit,
       w.start,
       w.start AT TIME ZONE c.time_zone AS local_start,
       w.count,
       w.expected,
       round(w.count::numeric / nullif(w.expected, 0), 6) AS coverage,
       CASE WHEN w.count > 0 THEN w.low * m.step END AS low,
       CASE WHEN w.count > 0 THEN w.high * m.step END AS high,
       CASE WHEN m.kind = 'gauge' THEN w.sum_0 * m.step END AS total,
       CASE WHEN m.kind = 'gauge' THEN w.sum_0 * m.step / nullif(w.count, 0) END AS mean,
       CASE WHEN m.kind = 'counter' THEN w.sum_0 * m.step END AS increase,
       CASE WHEN m.kind = 'event' THEN w.sum_0 * m.step END AS weight,
       CASE WHEN m.kind = 'state' THEN ARRAY[w.sum_0, w.sum_1, w.sum_2, w.sum_3] END AS state_us,
       w.revision,
       w.revision > 0 AS closed,
       w.series_id
FROM bucket_minute w
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
CROSS JOIN city c;
COMMENT ON VIEW v_bucket_minute IS 'Minute buckets in units. A counter''s increase is that of the pairs of readings that end in the minute.';

CREATE VIEW v_window_hour AS
SELECT d.code AS device,
       s.field,
       m.code AS measurand,
       m.kind,
       m.unit,
       w.start,
       w.start AT TIME ZONE c.time_zone AS local_start,
       w.count,
       w.expected,
       round(w.count::numeric / nullif(w.expected, 0), 6) AS coverage,
       CASE WHEN w.count > 0 THEN w.low * m.step END AS low,
       CASE WHEN w.count > 0 THEN w.high * m.step END AS high,
       CASE WHEN m.kind = 'gauge' THEN w.sum_0 * m.step END AS total,
       CASE WHEN m.kind = 'gauge' THEN w.sum_0 * m.step / nullif(w.count, 0) END AS mean,
       CASE WHEN m.kind = 'counter' THEN w.sum_0 * m.step END AS increase,
       CASE WHEN m.kind = 'event' THEN w.sum_0 * m.step END AS weight,
       CASE WHEN m.kind = 'state' THEN ARRAY[w.sum_0, w.sum_1, w.sum_2, w.sum_3] END AS state_us,
       w.revision,
       w.revision > 0 AS closed,
       w.series_id
FROM window_hour w
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
CROSS JOIN city c;
COMMENT ON VIEW v_window_hour IS 'Hour windows in units. total / count is the exact mean; mean is the same as numeric division shows it.';

CREATE VIEW v_window_day AS
SELECT d.code AS device,
       s.field,
       m.code AS measurand,
       m.kind,
       m.unit,
       w.start,
       w.start AT TIME ZONE c.time_zone AS local_start,
       w.count,
       w.expected,
       round(w.count::numeric / nullif(w.expected, 0), 6) AS coverage,
       CASE WHEN w.count > 0 THEN w.low * m.step END AS low,
       CASE WHEN w.count > 0 THEN w.high * m.step END AS high,
       CASE WHEN m.kind = 'gauge' THEN w.sum_0 * m.step END AS total,
       CASE WHEN m.kind = 'gauge' THEN w.sum_0 * m.step / nullif(w.count, 0) END AS mean,
       CASE WHEN m.kind = 'counter' THEN w.sum_0 * m.step END AS increase,
       CASE WHEN m.kind = 'event' THEN w.sum_0 * m.step END AS weight,
       CASE WHEN m.kind = 'state' THEN ARRAY[w.sum_0, w.sum_1, w.sum_2, w.sum_3] END AS state_us,
       w.revision,
       w.revision > 0 AS closed,
       w.series_id
FROM window_day w
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id)
CROSS JOIN city c;
COMMENT ON VIEW v_window_day IS 'Civil-day windows in units; local_start is midnight by the city''s clock.';

CREATE VIEW v_indicator_value AS
SELECT i.code AS indicator,
       i."window",
       p.kind AS scope_kind,
       p.code AS scope,
       v.start,
       v.start AT TIME ZONE c.time_zone AS local_start,
       v.ticks * i.step AS value,
       i.unit,
       v.band,
       i.bands[v.band] AS band_name,
       m.code AS driver,
       v.received,
       v.expected,
       round(v.received::numeric / nullif(v.expected, 0), 6) AS coverage,
       v.revision,
       v.revision > 0 AS closed,
       v.computed_at
FROM indicator_value v
JOIN indicator i USING (indicator_id)
JOIN scope p USING (scope_id)
LEFT JOIN measurand m ON m.measurand_id = v.driver
CROSS JOIN city c;
COMMENT ON VIEW v_indicator_value IS 'Newest results with codes and decimal values.';

CREATE VIEW v_indicator_revision AS
SELECT i.code AS indicator,
       i."window",
       p.kind AS scope_kind,
       p.code AS scope,
       v.start,
       v.start AT TIME ZONE c.time_zone AS local_start,
       v.ticks * i.step AS value,
       i.unit,
       v.band,
       i.bands[v.band] AS band_name,
       m.code AS driver,
       v.received,
       v.expected,
       round(v.received::numeric / nullif(v.expected, 0), 6) AS coverage,
       v.revision,
       v.revision > 0 AS closed,
       v.computed_at,
       v.reason,
       v.superseded_at
FROM indicator_revision v
JOIN indicator i USING (indicator_id)
JOIN scope p USING (scope_id)
LEFT JOIN measurand m ON m.measurand_id = v.driver
CROSS JOIN city c;
COMMENT ON VIEW v_indicator_revision IS 'Replaced results of closed windows with codes and decimal values.';

CREATE VIEW v_quarantine AS
SELECT quarantine_id, received_at, reason, device, topic, detail, readings, payload_bytes,
       length(payload) < payload_bytes AS payload_cut, encode(payload, 'escape') AS payload_text, commit_id
FROM quarantine;
COMMENT ON VIEW v_quarantine IS 'Quarantine with the payload as text; bytes that are no ASCII are written as octal escapes.';

CREATE VIEW v_ledger AS
SELECT l.commit_id, l.commit_key, l.committed_at, l.client, l.partition,
       l.messages, l.received, l.accepted, l.duplicate, l.quarantined, l.restated, l.looked_up, l.trimmed,
       f.received + sum(l.received) OVER w AS received_total,
       f.accepted + sum(l.accepted) OVER w AS accepted_total,
       f.duplicate + sum(l.duplicate) OVER w AS duplicate_total,
       f.quarantined + sum(l.quarantined) OVER w AS quarantined_total,
       f.received - f.accepted - f.duplicate - f.quarantined
           + sum(l.received - l.accepted - l.duplicate - l.quarantined) OVER w AS balance
FROM ledger l
CROSS JOIN (
    SELECT coalesce(sum(received), 0) AS received, coalesce(sum(accepted), 0) AS accepted,
           coalesce(sum(duplicate), 0) AS duplicate, coalesce(sum(quarantined), 0) AS quarantined
    FROM ledger_day
) f
WINDOW w AS (ORDER BY l.commit_id);
COMMENT ON VIEW v_ledger IS 'Commits with running totals, folded days included; balance is received less what became of it, and is always 0.';

CREATE VIEW v_pending_restatement AS
SELECT p.commit_id, d.code AS device, s.field, m.code AS measurand, p.hour, p.partition
FROM pending_restatement p
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id);
COMMENT ON VIEW v_pending_restatement IS 'Hours whose windows wait to be written again because of late readings.';

CREATE VIEW v_counter_event AS
SELECT d.code AS device, s.field, m.code AS measurand, e.time, e.kind, e.before_ticks * m.step AS before, e.after_ticks * m.step AS after, m.unit, e.decided_at
FROM counter_event e
JOIN series s USING (series_id)
JOIN device d USING (device_id)
JOIN measurand m USING (measurand_id);
COMMENT ON VIEW v_counter_event IS 'Falls of counters, in units.';

CREATE VIEW v_register AS
SELECT r.code AS register, p.kind AS scope_kind, p.code AS scope, r.valid_from,
       lead(r.valid_from) OVER (PARTITION BY r.code, r.scope_id ORDER BY r.valid_from) AS valid_to,
       r.value, r.unit, r.source, r.recorded_at
FROM register r
JOIN scope p USING (scope_id);
COMMENT ON VIEW v_register IS 'Denominators with the day from which (included) and to which (excluded) each holds.';

CREATE VIEW v_declared_value AS
SELECT kpi, data_point, year, value, value IS NULL AS not_reported, unit, source, evidence, declared_by, declared_at
FROM declared_value
WHERE withdrawn_at IS NULL;
COMMENT ON VIEW v_declared_value IS 'Declared annual values that stand.';

CREATE VIEW v_alert AS
SELECT a.alert_id, a.rule, p.kind AS scope_kind, p.code AS scope, i.code AS indicator, a.start,
       a.ticks * i.step AS value, a.limit_ticks * i.step AS limit_value, i.unit, a.detail,
       a.raised_at, a.cleared_at, a.acknowledged_at, a.acknowledged_by
FROM alert a
JOIN scope p USING (scope_id)
LEFT JOIN indicator i USING (indicator_id);
COMMENT ON VIEW v_alert IS 'Alerts with codes and decimal values.';
