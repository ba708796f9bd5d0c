-- An hour that was written again meanwhile has another serial, and stays.
DELETE FROM quality_due WHERE serial = ANY(%(serials)s)
