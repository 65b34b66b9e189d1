"""Where the panel's processes write what happens: to stderr, for a person's eyes or as one JSON object a line."""

import logging
import sys

import structlog
from structlog.typing import Processor

from sutler.config import ConfigError


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
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _as_json() -> list[Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _for_a_person() -> list[Processor]:
    # Plain: the decorated traces show the values of variables, secrets among them.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
