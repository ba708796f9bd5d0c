-- Scores beside the figures: which band was shown, against which target, and until when.

CREATE TABLE kpi_score (
    computed_at   timestamptz NOT NULL,
    scope_id      int NOT NULL REFERENCES scope,
    "year"        int NOT NULL,
    revision      int NOT NULL CHECK (revision >= 0),
    band          int CHECK (band BETWEEN 1 AND 4),
    target_from   date,
    official      boolean,
    data_point    text NOT NULL,
    horizon       text NOT NULL CHECK (horizon IN ('year', 'rolling', 'to_date')),
    figure        text,
    percent       numeric,
    percent_ratio text,
    target        text,
    rule          text,
    worst         text,
    source        text,
    why_not       text NOT NULL,
    PRIMARY KEY (horizon, "year", scope_id, data_point),
    CHECK ((horizon = 'year') = ("year" <> 0)),
    CHECK ((band IS NULL) = (percent_ratio IS NULL)),
    CHECK ((band IS NULL) = (percent IS NULL)),
    CHECK ((band IS NULL) = (figure IS NULL)),
    CHECK ((band IS NULL) = (why_not <> ''))
) WITH (fillfactor = 70);
COMMENT ON TABLE kpi_score IS 'Score of every figure in kpi_value as it stands: how near it is to the target that holds on the last day of its period. Written in the same transaction. Of estimates only the newest is kept.';
COMMENT ON COLUMN kpi_score.computed_at IS 'When this score was computed.';
COMMENT ON COLUMN kpi_score.scope_id IS 'City or zone; see scope.';
COMMENT ON COLUMN kpi_score."year" IS 'Reference year; 0 for an estimate.';
COMMENT ON COLUMN kpi_score.revision IS '0 while provisional, 1 when the year is closed, one more for every later change of figure or target. Estimates stay 0. Counted by itself: a target changes no figure, and a figure that keeps its value changes no score.';
COMMENT ON COLUMN kpi_score.band IS '1 to 4, which is also its points; null: not scored.';
COMMENT ON COLUMN kpi_score.target_from IS 'First day of the target.';
COMMENT ON COLUMN kpi_score.official IS 'Whether the target is of the method''s own table.';
COMMENT ON COLUMN kpi_score.data_point IS 'Key of the data point in the catalogue.';
COMMENT ON COLUMN kpi_score.horizon IS 'year: the official annual figure; rolling, to_date: estimates.';
COMMENT ON COLUMN kpi_score.figure IS 'The figure that was scored, exactly; null: not scored.';
COMMENT ON COLUMN kpi_score.percent IS 'Per cent of the target, rounded to six decimals, ties to even; null: not scored. The band is by the exact one.';
COMMENT ON COLUMN kpi_score.percent_ratio IS 'Per cent of the target, exactly, as a whole number or a fraction such as 200/3.';
COMMENT ON COLUMN kpi_score.target IS 'The target, exactly, in the unit of the data point; null: there is none.';
COMMENT ON COLUMN kpi_score.rule IS 'How near a figure is: share, inverse, linear or nearness.';
COMMENT ON COLUMN kpi_score.worst IS 'Where the rule linear has 0 per cent, exactly; null for other rules.';
COMMENT ON COLUMN kpi_score.source IS 'Who says that this is the target.';
COMMENT ON COLUMN kpi_score.why_not IS 'Why it is not scored; empty where it is.';

CREATE TABLE kpi_score_revision (
    LIKE kpi_score,
    change        text NOT NULL,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (horizon, "year", scope_id, data_point, revision)
);
COMMENT ON TABLE kpi_score_revision IS 'Scores of closed years that a later one replaced: which band was shown, until when, and why it changed.';
COMMENT ON COLUMN kpi_score_revision.computed_at IS 'When the replaced score was computed.';
COMMENT ON COLUMN kpi_score_revision.scope_id IS 'City or zone; see scope.';
COMMENT ON COLUMN kpi_score_revision."year" IS 'Reference year.';
COMMENT ON COLUMN kpi_score_revision.revision IS 'Number of the replaced score; the first closed one is 1.';
COMMENT ON COLUMN kpi_score_revision.band IS 'Replaced band; null: it was not scored.';
COMMENT ON COLUMN kpi_score_revision.target_from IS 'First day of the target it was measured against.';
COMMENT ON COLUMN kpi_score_revision.official IS 'See kpi_score.';
COMMENT ON COLUMN kpi_score_revision.data_point IS 'Key of the data point.';
COMMENT ON COLUMN kpi_score_revision.horizon IS 'Always year: estimates have no revisions.';
COMMENT ON COLUMN kpi_score_revision.figure IS 'The figure that was scored, exactly; null: it was not scored.';
COMMENT ON COLUMN kpi_score_revision.percent IS 'Replaced per cent of the target.';
COMMENT ON COLUMN kpi_score_revision.percent_ratio IS 'Replaced per cent of the target, exactly.';
COMMENT ON COLUMN kpi_score_revision.target IS 'The target it was measured against, exactly.';
COMMENT ON COLUMN kpi_score_revision.rule IS 'See kpi_score.';
COMMENT ON COLUMN kpi_score_revision.worst IS 'See kpi_score.';
COMMENT ON COLUMN kpi_score_revision.source IS 'Who said that this was the target.';
COMMENT ON COLUMN kpi_score_revision.why_not IS 'Why it was not scored; empty where it was.';
COMMENT ON COLUMN kpi_score_revision.change IS 'Why it was computed again: target changed, figure changed, figure and target changed, scoring changed, no longer defined.';
COMMENT ON COLUMN kpi_score_revision.superseded_at IS 'When the new score was computed.';

CREATE VIEW v_kpi_score AS
SELECT s.data_point, s.horizon, nullif(s."year", 0) AS "year", p.kind AS scope_kind, p.code AS scope, s.band, s.percent,
       s.percent_ratio, s.figure, s.target, s.rule, s.worst, s.target_from, s.official, s.source, s.why_not,
       s.revision, s.revision > 0 AS closed, s.computed_at
FROM kpi_score s
JOIN scope p USING (scope_id);
COMMENT ON VIEW v_kpi_score IS 'Scores as they stand, with scope, figure and target.';

CREATE VIEW v_kpi_score_revision AS
SELECT r.data_point, r."year", p.kind AS scope_kind, p.code AS scope, r.revision, r.band, r.percent, r.percent_ratio, r.figure,
       r.target, r.rule, r.worst, r.target_from, r.official, r.source, r.why_not, r.computed_at, r.change, r.superseded_at
FROM kpi_score_revision r
JOIN scope p USING (scope_id);
COMMENT ON VIEW v_kpi_score_revision IS 'Scores of closed years that were replaced, with what changed them.';
