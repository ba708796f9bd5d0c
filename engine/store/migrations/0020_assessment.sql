-- Annual assessments as they were submitted, kept beside the live figures, which go on changing.

CREATE TABLE assessment (
    frozen_at  timestamptz NOT NULL,
    "year"     int NOT NULL,
    submission int NOT NULL CHECK (submission > 0),
    frozen_by  text NOT NULL,
    manifest   text,
    digest     text NOT NULL,
    results    json NOT NULL,
    PRIMARY KEY ("year", submission)
);
COMMENT ON TABLE assessment IS 'Annual assessments that the city submitted. A row is never changed; a later submission of a year is a row of its own.';
COMMENT ON COLUMN assessment.frozen_at IS 'When it was frozen.';
COMMENT ON COLUMN assessment."year" IS 'Reference year.';
COMMENT ON COLUMN assessment.submission IS 'From 1 on; the highest of a year is the one that stands.';
COMMENT ON COLUMN assessment.frozen_by IS 'Who froze it.';
COMMENT ON COLUMN assessment.manifest IS 'SHA-256 of the manifest of its bundle, in hexadecimal; null where none was written.';
COMMENT ON COLUMN assessment.digest IS 'SHA-256 of the exact results as text, in hexadecimal.';
COMMENT ON COLUMN assessment.results IS 'The exact results, character by character as results.json of the bundle has them.';

CREATE VIEW v_assessment AS
SELECT a."year", a.submission, a.submission = max(a.submission) OVER (PARTITION BY a."year") AS stands, a.frozen_at, a.frozen_by,
       a.manifest, a.digest
FROM assessment a;
COMMENT ON VIEW v_assessment IS 'Annual assessments that were submitted: when, by whom, and which of a year stands.';

CREATE VIEW v_assessment_result AS
SELECT a."year", a.submission, r.nth, r.result ->> 'data_point' AS data_point, r.result ->> 'value' AS ratio,
       r.result ->> 'unit' AS unit, r.result ->> 'basis' AS basis, r.result ->> 'quality' AS quality,
       r.result ->> 'numerator' AS numerator, r.result ->> 'denominator' AS denominator,
       (r.result ->> 'received')::bigint AS received, (r.result ->> 'expected')::bigint AS expected,
       r.result ->> 'validity' AS validity, nullif((r.result #>> '{score,points}')::int, 0) AS band
FROM assessment a, json_array_elements(a.results -> 'results') WITH ORDINALITY AS r (result, nth);
COMMENT ON VIEW v_assessment_result IS 'Each data point of each assessment that was submitted, exactly; a ratio that is null was not reported.';
