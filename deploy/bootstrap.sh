#!/bin/sh
# Sets up a fresh checkout for root and ordinary users alike: .venv and the servers under .local, nothing else.
# It only finds a Python that is new enough; the rest is `python3 -m deploy setup`, which needs nothing but that.
# Another command of that program may be given (`deploy/bootstrap.sh down`).
set -eu
cd "$(dirname "$0")/.."
for python in ${PYTHON:-} python3 python3.11 python3.12 python3.13 /usr/bin/python3; do
    if "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" -m deploy "${@:-setup}"
    fi
done
echo "error: no Python 3.11 or later found: apt-get install python3" >&2
exit 1
