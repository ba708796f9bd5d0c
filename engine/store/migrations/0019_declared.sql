-- What a city declares, exactly as its file has it and with its history; and scores of it beside those of measured figures.

DROP VIEW v_declared_value;
ALTER TABLE declared_value RENAME COLUMN data_point TO key;
ALTER TABLE declared_value RENAME COLUMN source TO origin;
ALTER TABLE declared_value RENAME COLUMN evidence TO source;
ALTER TABLE declared_value RENAME COLUMN declared_by TO note;
ALTER TABLE declared_value ADD COLUMN kind text NOT NULL DEFAULT 'data_point' CHECK (kind IN ('data_point', 'input'));
ALTER TABLE declared_value ADD COLUMN ratio text, ADD COLUMN numerator text, ADD COLUMN denominator text;
ALTER TABLE declared_value ADD COLUMN quality text NOT NULL DEFAULT '';
-- No version so far has written here; somebody may have by hand.
UPDATE declared_value SET key = concat_ws('/', kpi, nullif(key, '')), ratio = value::text, note = 'declared by ' || note;
ALTER TABLE declared_value DROP COLUMN kpi;
ALTER TABLE declared_value ADD CHECK ((value IS NULL) = (ratio IS NULL));
CREATE UNIQUE INDEX declared_value_current ON declared_value (key, "year") WHERE withdrawn_at IS NULL;
COMMENT ON TABLE declared_value IS 'What the city declares for a year. A correction withdraws the old row and adds a new one, and nothing else is ever changed.';
COMMENT ON COLUMN declared_value.key IS 'Key of a data point of the catalogue, or code of an input.';
COMMENT ON COLUMN declared_value.kind IS 'data_point or input.';
COMMENT ON COLUMN declared_value.value IS 'Rounded to six decimals, ties to even; null: the city says that it does not report it (NR), which is not zero.';
COMMENT ON COLUMN declared_value.unit IS 'UCUM code of its unit, the catalogue''s; what was stated in another is converted.';
COMMENT ON COLUMN declared_value.ratio IS 'The exact value, as a whole number or a fraction such as 2/3.';
COMMENT ON COLUMN declared_value.numerator IS 'As it was stated; null where only the value was.';
COMMENT ON COLUMN declared_value.denominator IS 'As it was stated; null where only the value was.';
COMMENT ON COLUMN declared_value.quality IS 'How well it is known, one of the six classes of the U4SSC method; empty where not stated.';
COMMENT ON COLUMN declared_value.origin IS 'Who supplied it; empty where not stated.';
COMMENT ON COLUMN declared_value.source IS 'From which record; empty where not stated.';
COMMENT ON COLUMN declared_value.note IS 'What a reader must know; of a YES what it rests on.';
COMMENT ON COLUMN declared_value.declared_at IS 'When it was found declared so.';
COMMENT ON COLUMN declared_value.withdrawn_at IS 'When it was found corrected or no longer declared; null: it stands.';

CREATE VIEW v_declared_value AS
SELECT d.key, d.kind, d."year", make_timestamptz(d."year", 1, 1, 0, 0, 0, c.time_zone) AS "start",
       make_timestamptz(d."year" + 1, 1, 1, 0, 0, 0, c.time_zone) AS "end", d.value, d.value IS NULL AS not_reported, d.unit,
       d.ratio, d.numerator, d.denominator, d.quality, d.origin, d.source, d.note, d.declared_at
FROM declared_value d
CROSS JOIN city c
WHERE d.withdrawn_at IS NULL;
COMMENT ON VIEW v_declared_value IS 'What the city declares, as it stands, with the year that it is of.';

CREATE VIEW v_declared_revision AS
SELECT d.key, d.kind, d."year", d.value, d.value IS NULL AS not_reported, d.unit, d.ratio, d.numerator, d.denominator, d.quality,
       d.origin, d.source, d.note, d.declared_at, d.withdrawn_at
FROM declared_value d
WHERE d.withdrawn_at IS NOT NULL;
COMMENT ON VIEW v_declared_revision IS 'What the city declared before and corrected or withdrew, with the time for which it stood.';

ALTER TABLE kpi_score ADD COLUMN declared boolean NOT NULL DEFAULT false;
ALTER TABLE kpi_score DROP CONSTRAINT kpi_score_pkey, ADD PRIMARY KEY (horizon, "year", scope_id, data_point, declared);
COMMENT ON TABLE kpi_score IS 'Scores as they stand: how near a figure is to the target that holds on the last day of its period. One of every figure in kpi_value, written in the same transaction; of the city also one of every figure that rests on something declared, and of those that registers alone give. Of estimates only the newest is kept.';
COMMENT ON COLUMN kpi_score.declared IS 'Whether the figure rests on something that the city declares; the one without, from sensors and registers alone, has a score of its own.';

ALTER TABLE kpi_score_revision ADD COLUMN declared boolean NOT NULL DEFAULT false;
ALTER TABLE kpi_score_revision
    DROP CONSTRAINT kpi_score_revision_pkey, ADD PRIMARY KEY (horizon, "year", scope_id, data_point, declared, revision);
COMMENT ON COLUMN kpi_score_revision.declared IS 'See kpi_score.';
COMMENT ON COLUMN kpi_score_revision.change IS 'Why it was computed again: target changed, figure changed, figure and target changed, scoring changed, no longer defined, no longer declared.';

CREATE OR REPLACE VIEW v_kpi_score AS
SELECT s.data_point, s.horizon, nullif(s."year", 0) AS "year", p.kind AS scope_kind, p.code AS scope, s.band, s.percent,
       s.percent_ratio, s.figure, s.target, s.rule, s.worst, s.target_from, s.official, s.source, s.why_not,
       s.revision, s.revision > 0 AS closed, s.computed_at, s.declared,
       s.declared OR NOT EXISTS (
           SELECT
           FROM kpi_score d
           WHERE (d.horizon, d."year", d.scope_id, d.data_point) = (s.horizon, s."year", s.scope_id, s.data_point)
             AND d.declared
       ) AS counts
FROM kpi_score s
JOIN scope p USING (scope_id);
COMMENT ON VIEW v_kpi_score IS 'Scores as they stand, with scope, figure and target; those that count are what categories and dimensions add up: what is declared stands in place of what is measured.';

CREATE OR REPLACE VIEW v_kpi_score_revision AS
SELECT r.data_point, r."year", p.kind AS scope_kind, p.code AS scope, r.revision, r.band, r.percent, r.percent_ratio, r.figure,
       r.target, r.rule, r.worst, r.target_from, r.official, r.source, r.why_not, r.computed_at, r.change, r.superseded_at,
       r.declared
FROM kpi_score_revision r
JOIN scope p USING (scope_id);
