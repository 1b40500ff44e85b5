#!/usr/bin/env bash
# Makes .venv from a lock file (first argument) and installs the project into it; uv when present, else pip.
set -euo pipefail
cd "$(dirname "$0")/.."
lock="$1"
python="${PYTHON:-python3}"

if ! command -v "$python" >/dev/null 2>&1; then
  echo "Fieldstone needs Python 3.11 or newer, and $python is not there. On Debian: apt install python3 python3-venv" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Fieldstone needs Python 3.11 or newer; this is $("$python" --version). Choose another with PYTHON=python3.12 make ..." >&2
  exit 1
fi
if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
  echo "Python's venv is missing. On Debian: apt install python3-venv" >&2
  exit 1
fi

if command -v uv >/dev/null 2>&1; then
  [ -x .venv/bin/python ] || uv venv --quiet --python "$python" .venv
  uv pip install --quiet --python .venv/bin/python --require-hashes -r "$lock"
  uv pip install --quiet --python .venv/bin/python --no-deps -e .
else
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
fi
