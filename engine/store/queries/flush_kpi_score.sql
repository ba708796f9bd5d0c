-- Revisions as those of figures. The same score computed again is not written, and one that only closes keeps the time since
-- when it has stood. A score that went and came again goes on counting: what was shown before stays.
INSERT INTO kpi_score AS old (
    data_point, horizon, "year", scope_id, figure, band, percent, percent_ratio, target, rule, worst, target_from, official,
    source, why_not, revision, computed_at, declared
)
SELECT s.data_point, s.horizon, s."year", s.scope_id, s.figure, s.band, s.percent, s.percent_ratio, s.target, s.rule, s.worst,
       s.target_from, s.official, s.source, s.why_not,
       s.revision * (1 + coalesce((
           SELECT max(r.revision)
           FROM kpi_score_revision r
           WHERE (r.horizon, r."year", r.scope_id, r.data_point, r.declared)
                 = (s.horizon, s."year", s.scope_id, s.data_point, s.declared)
       ), 0)),
       %(computed)s, s.declared
FROM stage_kpi_score s
ORDER BY s.horizon, s."year", s.scope_id, s.data_point, s.declared
ON CONFLICT (horizon, "year", scope_id, data_point, declared) DO UPDATE
SET figure = excluded.figure, band = excluded.band, percent = excluded.percent, percent_ratio = excluded.percent_ratio,
    target = excluded.target, rule = excluded.rule, worst = excluded.worst, target_from = excluded.target_from,
    official = excluded.official, source = excluded.source, why_not = excluded.why_not,
    computed_at = CASE
        WHEN (old.figure, old.band, old.percent_ratio, old.target, old.rule, old.worst, old.target_from, old.official,
              old.source, old.why_not)
             IS DISTINCT FROM
             (excluded.figure, excluded.band, excluded.percent_ratio, excluded.target, excluded.rule, excluded.worst,
              excluded.target_from, excluded.official, excluded.source, excluded.why_not)
        THEN excluded.computed_at
        ELSE old.computed_at
    END,
    revision = CASE
        WHEN old.revision = 0 THEN excluded.revision
        WHEN (old.figure, old.band, old.percent_ratio, old.target, old.rule, old.worst, old.target_from, old.official,
              old.source, old.why_not)
             IS DISTINCT FROM
             (excluded.figure, excluded.band, excluded.percent_ratio, excluded.target, excluded.rule, excluded.worst,
              excluded.target_from, excluded.official, excluded.source, excluded.why_not)
        THEN old.revision + 1
        ELSE old.revision
    END
WHERE (old.figure, old.band, old.percent_ratio, old.target, old.rule, old.worst, old.target_from, old.official, old.source,
       old.why_not)
      IS DISTINCT FROM
      (excluded.figure, excluded.band, excluded.percent_ratio, excluded.target, excluded.rule, excluded.worst,
       excluded.target_from, excluded.official, excluded.source, excluded.why_not)
   OR old.revision < excluded.revision
