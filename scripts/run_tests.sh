#!/usr/bin/env bash
# `make test`: installs what the suite needs (Debian: Chromium, PostgreSQL, Redis by apt when root and missing) and
# runs everything. Servers that do not answer are started by the fixtures themselves.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v chromium >/dev/null 2>&1 || [ -n "${FIELDSTONE_CHROMIUM:-}" ] || missing+=(chromium)
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql)
command -v redis-server >/dev/null 2>&1 || missing+=(redis-server)
fc-list 2>/dev/null | grep -qi "noto.*cjk" || missing+=(fonts-noto-cjk fontconfig)
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing ${missing[*]} ..."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
  else
    echo "Not installed: ${missing[*]}. Tests that need them will fail under CI=true." >&2
  fi
fi

workers="${FIELDSTONE_TEST_WORKERS:-$(nproc 2>/dev/null || echo 2)}"
.venv/bin/pytest -q -n "$workers" --dist loadscope "$@"
