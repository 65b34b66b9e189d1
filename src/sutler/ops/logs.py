"""Where the panel's processes write what happens: to stderr, for a person's eyes or as one JSON object a line."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from sutler.config import ConfigError

LONGEST_VALUE = 500
MOST_TRACE_LINES = 100


def to_stderr(log_format: str) -> None:
    """Sends the logs of the panel and of its libraries to stderr, from warnings up for the libraries.

    `log_format` is console or json; raises ConfigError for anything else.
    """
    if log_format not in {"console", "json"}:
        raise ConfigError("SUTLER_LOG_FORMAT must be console or json")
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        bounded,
    ]
    last = _as_json() if log_format == "json" else _for_a_person()
    structlog.configure(
        processors=[*common, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=common,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(without_needless_trace)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def bounded(_logger: Any, _method: str, values: EventDict) -> EventDict:
    """Bounds every value of a line, so that no name from outside makes it long, and takes out what is not printable."""
    for name, value in values.items():
        if name == "exception":
            lines = str(value).splitlines()
            kept = lines if len(lines) <= MOST_TRACE_LINES else [*lines[:20], "...", *lines[20 - MOST_TRACE_LINES :]]
            values[name] = "\n".join(map(_short, kept))
        elif not isinstance(value, int | float | None):
            values[name] = _short(str(value))
    return values


def without_needless_trace(record: logging.LogRecord) -> bool:
    """Takes the trace from a request that was refused, or that met a database that is full, locked or away.

    What it says stays, in one line: no bug of ours is behind it.
    """
    is_refusal = record.name.startswith("django.security") or getattr(record, "status_code", 500) != 500
    if is_refusal and record.exc_info:
        error = record.exc_info[1]
        record.msg, record.args = f"{record.getMessage()} ({type(error).__name__}: {error})", ()
        record.exc_info = None
    return True


def _short(text: str) -> str:
    kept = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}... ({len(text)} characters)"
    return kept if kept.isprintable() else "".join(each if each.isprintable() else "?" for each in kept)


def _as_json() -> list[Processor]:
    return [structlog.processors.JSONRenderer()]


def _for_a_person() -> list[Processor]:
    # Plain: the decorated traces show the values of variables, secrets among them.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
