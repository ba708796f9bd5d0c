-- What was submitted last is not submitted again.
WITH last AS (
    SELECT submission, (manifest, digest) IS NOT DISTINCT FROM (%(manifest)s::text, %(digest)s::text) AS same
    FROM assessment
    WHERE "year" = %(year)s
    ORDER BY submission DESC
    LIMIT 1
), added AS (
    INSERT INTO assessment (frozen_at, "year", submission, frozen_by, manifest, digest, results)
    SELECT %(now)s, %(year)s, coalesce((SELECT submission FROM last), 0) + 1, %(by)s, %(manifest)s, %(digest)s, %(results)s::json
    WHERE NOT EXISTS (SELECT FROM last WHERE same)
    RETURNING submission
)
SELECT submission, true FROM added
UNION ALL
SELECT submission, false FROM last WHERE same
