"""The process a guarded plugin runs in: one JSON request a line on standard input, one JSON answer a line back.

Started by `host.guarded` as `python -m fieldstone.plugins.host.worker`. It limits itself before it imports the plugin:
memory, CPU time, open files, file size, processes. It has no database, no settings, no secrets: its environment is
scrubbed by the parent. Whatever the plugin prints goes to standard error and is thrown away.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from fieldstone.plugins.sdk.actions import ActionRequest
from fieldstone.plugins.sdk.wire import decode_request, encode


def main() -> int:
    """Serve until standard input ends. First line: the limits and the import path; each later line: a call."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the plugin prints must not be taken for an answer
    start = json.loads(sys.stdin.readline())
    _limit(start["limits"])
    sys.path[:0] = start["path"]
    for line in sys.stdin:
        answers.write(_answer(json.loads(line)) + "\n")
        answers.flush()
    return 0


def _limit(limits: Mapping[str, int]) -> None:
    pairs = {
        "memory": resource.RLIMIT_AS,
        "cpu": resource.RLIMIT_CPU,
        "files": resource.RLIMIT_NOFILE,
        "file_size": resource.RLIMIT_FSIZE,
        "core": resource.RLIMIT_CORE,
    }
    for name, kind in pairs.items():
        if name in limits:
            resource.setrlimit(kind, (limits[name], limits[name]))


def _answer(call: Mapping[str, Any]) -> str:
    try:
        return json.dumps({"result": _call(call)}, allow_nan=False)
    except Exception as error:  # the plugin's own faults are its answer
        return json.dumps({"error": f"{type(error).__name__}: {error}"[:500]})


def _call(call: Mapping[str, Any]) -> Any:
    place, _, name = call["target"].partition(":")
    offered = getattr(import_module(place), name)()
    if call["point"] == "dispatch":
        return encode(offered.rank(decode_request(call["request"])))
    return encode(offered.run(ActionRequest(**call["request"])))


if __name__ == "__main__":
    sys.exit(main())
