SELECT mark, commit_id FROM checkpoint WHERE partition = %(partition)s
