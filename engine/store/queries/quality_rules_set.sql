INSERT INTO quality_rules (partition, digest)
VALUES (%(partition)s, %(digest)s)
ON CONFLICT (partition) DO UPDATE SET digest = excluded.digest
