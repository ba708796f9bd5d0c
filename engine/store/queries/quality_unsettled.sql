SELECT (SELECT count(*) FROM quality_due) + (SELECT count(*) FROM quality_changed)
