"""Messages that real hardware sent, and what their sources say that they mean: every one is decoded and compared.

`corpus.toml` says which model reads which message; `models/` has models of what no city installs. `make corpus` prints
the coverage, and `python -m tests.corpus --docs` writes it into `docs/devices.md`.
"""
