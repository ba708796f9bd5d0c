SELECT digest FROM quality_rules WHERE partition = %(partition)s
