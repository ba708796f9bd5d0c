-- The log of a verifier's questions, kept beside the figures; and how well a register is known.

CREATE TABLE kpi_finding (
    first_seen    timestamptz NOT NULL,
    last_seen     timestamptz NOT NULL,
    gone_at       timestamptz,
    "year"        int NOT NULL,
    nth           int NOT NULL,
    horizon       text NOT NULL CHECK (horizon IN ('year', 'rolling', 'to_date')),
    rule          text NOT NULL,
    subject       text NOT NULL,
    severity      text NOT NULL CHECK (severity IN ('error', 'question', 'lack')),
    data_points   text[] NOT NULL,
    detail        text NOT NULL,
    PRIMARY KEY (horizon, "year", rule, subject, nth)
);
COMMENT ON TABLE kpi_finding IS 'What a verifier would ask about the figures of a period: each finding since when it stands, and until when it stood.';
COMMENT ON COLUMN kpi_finding.first_seen IS 'Since when it stands without a break.';
COMMENT ON COLUMN kpi_finding.last_seen IS 'When it was found last, to the hour; figures that do not change are not looked at again.';
COMMENT ON COLUMN kpi_finding.gone_at IS 'When it was no longer found; null: it stands.';
COMMENT ON COLUMN kpi_finding."year" IS 'Reference year; 0 for an estimate.';
COMMENT ON COLUMN kpi_finding.nth IS 'Number among those of one rule and subject, from 0.';
COMMENT ON COLUMN kpi_finding.horizon IS 'Kind of the period; see kpi_value.';
COMMENT ON COLUMN kpi_finding.rule IS 'Code of the check.';
COMMENT ON COLUMN kpi_finding.subject IS 'The few data points that it concerns; empty where it concerns many.';
COMMENT ON COLUMN kpi_finding.severity IS 'error: it cannot be; question: it is unusual; lack: something is not stated.';
COMMENT ON COLUMN kpi_finding.data_points IS 'Keys of all data points that it concerns.';
COMMENT ON COLUMN kpi_finding.detail IS 'What was found, with its figures, as of last_seen.';

CREATE VIEW v_kpi_finding AS
SELECT horizon, nullif("year", 0) AS "year", severity, rule, data_points, detail, first_seen, last_seen, gone_at,
       gone_at IS NULL AS stands
FROM kpi_finding;
COMMENT ON VIEW v_kpi_finding IS 'Entries of the log of a verifier''s questions, those that are gone as well.';

ALTER TABLE register ADD COLUMN quality text NOT NULL DEFAULT '';
COMMENT ON COLUMN register.quality IS 'How well it is known, one of the six classes of the U4SSC method; empty where not stated.';

CREATE OR REPLACE VIEW v_register AS
SELECT r.code AS register, p.kind AS scope_kind, p.code AS scope, r.valid_from,
       lead(r.valid_from) OVER (PARTITION BY r.code, r.scope_id ORDER BY r.valid_from) AS valid_to,
       r.value, r.unit, r.source, r.recorded_at, r.quality
FROM register r
JOIN scope p USING (scope_id);
