SELECT code, unit, kind, decimals, states FROM measurand
