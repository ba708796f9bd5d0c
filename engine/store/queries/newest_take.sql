DELETE FROM newest_part WHERE partition = %(partition)s RETURNING packed
