COPY stage_device FROM STDIN (FORMAT binary)
