#!/bin/sh
# Any other pipeline: the exit code is the verdict's (0 CLEAR or CAUTION, 1 BLOCKED, 2 unreadable, 3 INCOMPLETE).
# Usage: verify.sh [FOLDER [BASE]], as in `verify.sh db/migrations origin/main`.
set -eu
python3 -m venv .pgcontract
.pgcontract/bin/pip install -q "${PGCONTRACT:-pgcontract}"
exec .pgcontract/bin/pgcontract verify "${1:-.}" ${2:+--since "$2"} --report reports --format junit=reports/junit.xml --format text
