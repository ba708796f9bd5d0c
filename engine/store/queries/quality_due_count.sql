SELECT count(*) FROM quality_due
