-- Hours before a time whose figures or flags still wait to be computed from the observations.
SELECT (SELECT count(*) FROM pending_restatement WHERE hour < %(before)s)
     + (SELECT count(*) FROM quality_due WHERE start < %(before)s)
     + (SELECT count(*) FROM quality_changed WHERE start < %(before)s)
