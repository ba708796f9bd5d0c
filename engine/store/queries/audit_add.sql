INSERT INTO audit (result, who, roles, how, origin, action, detail)
VALUES (%(result)s, %(who)s, %(roles)s, %(how)s, %(origin)s, %(action)s, %(detail)s)
