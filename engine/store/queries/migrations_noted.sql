SELECT to_regclass('cityvitals._yoyo_migration') IS NOT NULL
