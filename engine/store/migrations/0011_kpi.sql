-- Figures of the assessment as they stand, live: annual data points and the estimates that become them.

CREATE TABLE kpi_value (
    "start"       timestamptz NOT NULL,
    "end"         timestamptz NOT NULL,
    received      bigint NOT NULL CHECK (received >= 0),
    expected      bigint NOT NULL CHECK (expected >= 0),
    computed_at   timestamptz NOT NULL,
    scope_id      int NOT NULL REFERENCES scope,
    "year"        int NOT NULL,
    revision      int NOT NULL CHECK (revision >= 0),
    data_point    text NOT NULL,
    horizon       text NOT NULL CHECK (horizon IN ('year', 'rolling', 'to_date')),
    unit          text NOT NULL,
    value         numeric,
    effective     numeric,
    ratio         text,
    numerator     text,
    denominator   text,
    reason        text NOT NULL,
    validity      text CHECK (validity IN ('valid', 'indicative', 'insufficient')),
    definition    text NOT NULL,
    facts         text NOT NULL,
    inputs        jsonb NOT NULL,
    PRIMARY KEY (horizon, "year", scope_id, data_point),
    CHECK ((horizon = 'year') = ("year" <> 0)),
    CHECK ((value IS NULL) = (ratio IS NULL)),
    CHECK ((value IS NULL) = (reason <> ''))
) WITH (fillfactor = 70);
COMMENT ON TABLE kpi_value IS 'Newest figure of every data point of the KPI catalogue that sensors can know: of whole reference years, and the live estimates of the last twelve months and of the year so far. Of estimates only the newest is kept.';
COMMENT ON COLUMN kpi_value."start" IS 'Start of the period, included. An estimate of a young installation begins with its first hour.';
COMMENT ON COLUMN kpi_value."end" IS 'End of the period, excluded.';
COMMENT ON COLUMN kpi_value.received IS 'Readings of its least complete input, of each station at most what it owes, from the stations that count.';
COMMENT ON COLUMN kpi_value.expected IS 'Readings that all stations of that input owe; 0 where nothing comes at intervals.';
COMMENT ON COLUMN kpi_value.computed_at IS 'When this figure was computed.';
COMMENT ON COLUMN kpi_value.scope_id IS 'City or zone; see scope.';
COMMENT ON COLUMN kpi_value."year" IS 'Reference year; 0 for an estimate.';
COMMENT ON COLUMN kpi_value.revision IS '0 while provisional, 1 when the year is closed, one more for every later change. Estimates stay 0.';
COMMENT ON COLUMN kpi_value.data_point IS 'Key of the data point in the catalogue, e.g. EN: EN: AQ: 1C/pm2_5.';
COMMENT ON COLUMN kpi_value.horizon IS 'year: the official annual figure; rolling, to_date: estimates.';
COMMENT ON COLUMN kpi_value.unit IS 'UCUM code of its unit.';
COMMENT ON COLUMN kpi_value.value IS 'Rounded to six decimals, ties to even; null: not reported (NR), which is not zero. Of devices counted it means those installed.';
COMMENT ON COLUMN kpi_value.effective IS 'The same with only the devices that were heard from lately; null where no device is counted.';
COMMENT ON COLUMN kpi_value.ratio IS 'The exact value, as a whole number or a fraction such as 2/3.';
COMMENT ON COLUMN kpi_value.numerator IS 'Exact numerator where the formula is a ratio, without the 100 of per cent.';
COMMENT ON COLUMN kpi_value.denominator IS 'Exact denominator where the formula is a ratio.';
COMMENT ON COLUMN kpi_value.reason IS 'Why there is no value; empty where there is one.';
COMMENT ON COLUMN kpi_value.validity IS 'valid from 90 % of the expected readings on, indicative from 75 %, insufficient below; of less than 365 days at most indicative; null where nothing comes at intervals.';
COMMENT ON COLUMN kpi_value.definition IS 'Digest of formula, unit and inputs as they were defined.';
COMMENT ON COLUMN kpi_value.facts IS 'Digest of the registers and devices it rests on.';
COMMENT ON COLUMN kpi_value.inputs IS 'What it rests on: per input code, exact value, stations, those that count, received, expected.';

CREATE TABLE kpi_revision (
    LIKE kpi_value,
    change        text NOT NULL,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (horizon, "year", scope_id, data_point, revision)
);
COMMENT ON TABLE kpi_revision IS 'Annual figures of closed years that a later one replaced: what was published, until when, and why it changed.';
COMMENT ON COLUMN kpi_revision."start" IS 'Start of the period, included.';
COMMENT ON COLUMN kpi_revision."end" IS 'End of the period, excluded.';
COMMENT ON COLUMN kpi_revision.received IS 'See kpi_value.';
COMMENT ON COLUMN kpi_revision.expected IS 'See kpi_value.';
COMMENT ON COLUMN kpi_revision.computed_at IS 'When the replaced figure was computed.';
COMMENT ON COLUMN kpi_revision.scope_id IS 'City or zone; see scope.';
COMMENT ON COLUMN kpi_revision."year" IS 'Reference year.';
COMMENT ON COLUMN kpi_revision.revision IS 'Number of the replaced figure; the first closed one is 1.';
COMMENT ON COLUMN kpi_revision.data_point IS 'Key of the data point.';
COMMENT ON COLUMN kpi_revision.horizon IS 'Always year: estimates have no revisions.';
COMMENT ON COLUMN kpi_revision.unit IS 'UCUM code of its unit.';
COMMENT ON COLUMN kpi_revision.value IS 'Replaced value; null: not reported.';
COMMENT ON COLUMN kpi_revision.effective IS 'See kpi_value.';
COMMENT ON COLUMN kpi_revision.ratio IS 'Replaced value, exactly.';
COMMENT ON COLUMN kpi_revision.numerator IS 'See kpi_value.';
COMMENT ON COLUMN kpi_revision.denominator IS 'See kpi_value.';
COMMENT ON COLUMN kpi_revision.reason IS 'Why there was no value; empty where there was one.';
COMMENT ON COLUMN kpi_revision.validity IS 'See kpi_value.';
COMMENT ON COLUMN kpi_revision.definition IS 'Digest of formula, unit and inputs as they were defined.';
COMMENT ON COLUMN kpi_revision.facts IS 'Digest of the registers and devices it rested on.';
COMMENT ON COLUMN kpi_revision.inputs IS 'See kpi_value.';
COMMENT ON COLUMN kpi_revision.change IS 'Why it was computed again: late data, registers or devices changed, definition changed, no longer defined.';
COMMENT ON COLUMN kpi_revision.superseded_at IS 'When the new figure was computed.';

CREATE VIEW v_kpi_value AS
SELECT v.data_point, v.horizon, nullif(v."year", 0) AS "year", p.kind AS scope_kind, p.code AS scope, v."start", v."end",
       v."start" AT TIME ZONE c.time_zone AS local_start, v."end" AT TIME ZONE c.time_zone AS local_end,
       v.value, v.value IS NULL AS not_reported, v.unit, v.effective, v.ratio, v.numerator, v.denominator, v.reason,
       v.received, v.expected, round(v.received::numeric / nullif(v.expected, 0), 6) AS coverage, v.validity,
       v.revision, v.revision > 0 AS closed, v.definition, v.facts, v.inputs, v.computed_at
FROM kpi_value v
JOIN scope p USING (scope_id)
CROSS JOIN city c;
COMMENT ON VIEW v_kpi_value IS 'Data points of the KPI catalogue as they stand, with scope, coverage and the city''s clock.';

CREATE VIEW v_kpi_revision AS
SELECT r.data_point, r."year", p.kind AS scope_kind, p.code AS scope, r.revision, r.value, r.unit, r.ratio, r.numerator,
       r.denominator, r.reason, r.received, r.expected, round(r.received::numeric / nullif(r.expected, 0), 6) AS coverage,
       r.validity, r.definition, r.facts, r.inputs, r.computed_at, r.change, r.superseded_at
FROM kpi_revision r
JOIN scope p USING (scope_id);
COMMENT ON VIEW v_kpi_revision IS 'Annual figures that were replaced, with what changed them.';
