SELECT "year", submission, stands, frozen_at, frozen_by, manifest, digest
FROM v_assessment
ORDER BY "year" DESC, submission DESC
