COPY stage_kpi_score (data_point, horizon, "year", scope_id, figure, band, percent, percent_ratio, target, rule, worst, target_from, official, source, why_not, revision) FROM STDIN (FORMAT binary)
