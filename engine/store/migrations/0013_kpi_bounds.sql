-- Between which bounds a figure of the assessment lies at the worst. They say how well a figure is known and not what it
-- is: where only they change there is no new revision.

ALTER TABLE kpi_value ADD COLUMN low_ratio text, ADD COLUMN high_ratio text;
COMMENT ON COLUMN kpi_value.low_ratio IS 'The least it can be, exactly: steps and accuracy of devices and missing readings at their worst; null where nothing can be said.';
COMMENT ON COLUMN kpi_value.high_ratio IS 'The most it can be, exactly.';

ALTER TABLE kpi_revision ADD COLUMN low_ratio text, ADD COLUMN high_ratio text;
COMMENT ON COLUMN kpi_revision.low_ratio IS 'See kpi_value.';
COMMENT ON COLUMN kpi_revision.high_ratio IS 'See kpi_value.';

CREATE OR REPLACE VIEW v_kpi_value AS
SELECT v.data_point, v.horizon, nullif(v."year", 0) AS "year", p.kind AS scope_kind, p.code AS scope, v."start", v."end",
       v."start" AT TIME ZONE c.time_zone AS local_start, v."end" AT TIME ZONE c.time_zone AS local_end,
       v.value, v.value IS NULL AS not_reported, v.unit, v.effective, v.ratio, v.numerator, v.denominator, v.reason,
       v.received, v.expected, round(v.received::numeric / nullif(v.expected, 0), 6) AS coverage, v.validity,
       v.revision, v.revision > 0 AS closed, v.definition, v.facts, v.inputs, v.computed_at, v.low_ratio, v.high_ratio
FROM kpi_value v
JOIN scope p USING (scope_id)
CROSS JOIN city c;

CREATE OR REPLACE VIEW v_kpi_revision AS
SELECT r.data_point, r."year", p.kind AS scope_kind, p.code AS scope, r.revision, r.value, r.unit, r.ratio, r.numerator,
       r.denominator, r.reason, r.received, r.expected, round(r.received::numeric / nullif(r.expected, 0), 6) AS coverage,
       r.validity, r.definition, r.facts, r.inputs, r.computed_at, r.change, r.superseded_at, r.low_ratio, r.high_ratio
FROM kpi_revision r
JOIN scope p USING (scope_id);
