"""Structured logs: one JSON object a line, on standard error.

What comes in: events with facts, from our own code (`structlog.get_logger()`) and from libraries (`logging`). What
goes out: a line in pure ASCII, so that no control character, line break or terminal sequence of a stranger reaches a
terminal or forges a line. Values under names that hold secrets are never written. Called once by each process.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

HIDDEN = "[hidden]"
_SECRET_NAMES = re.compile(
    r"pass(word|wd|phrase)?|secret|token|authori[sz]ation|cookie|csrf|otp|api_?key|recovery", re.I
)
_SECRET_TEXT = re.compile(r"fs_[a-z0-9-]+_[A-Za-z0-9_-]{8,}|(?<=://)[^/@\s:]+:[^/@\s]+(?=@)")
_LONGEST = 4_000
_MOST_LINKS = 5
_MOST_FRAMES = 25


def configure(level: str = "INFO", *, environment: str = "production", stream: TextIO | None = None) -> None:
    """Send all logs of this process through one formatter. `level` is a name such as INFO.

    In development tracebacks are written in full; elsewhere without the text of exceptions.
    """
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_stamp, structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_exceptions(environment),
            hide_secrets,
            _line,
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    through_logging()


def through_logging() -> None:
    """Let structlog hand everything to `logging`, whoever listens there; its own default prints values of variables."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            _stamp,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _exceptions(environment: str) -> tuple[Processor, ...]:
    return (structlog.processors.format_exc_info,) if environment == "development" else (_where_it_failed,)


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event without what must not be written down, at any depth."""
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: Any) -> Any:
    if _SECRET_NAMES.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): _shown(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown("", item) for item in value]
    if isinstance(value, str):
        return _SECRET_TEXT.sub(HIDDEN, value)[:_LONGEST]
    return value


def _where_it_failed(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as classes and places. Its text may quote a customer's values, so it is not written."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = [_described(link) for link in _chain(error)]
    return event


def _chain(error: BaseException) -> list[BaseException]:
    links = [error]
    while (cause := links[-1].__cause__ or links[-1].__context__) is not None and len(links) < _MOST_LINKS:
        links.append(cause)
    return links


def _described(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    return {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "state": getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None),
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return json.dumps(event, default=str, ensure_ascii=True, separators=(",", ":"))
