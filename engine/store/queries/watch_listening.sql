SELECT heard_to, listened_us, stopped, trimmed FROM listening WHERE partition = %(partition)s
