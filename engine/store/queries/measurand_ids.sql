SELECT code, measurand_id FROM measurand
