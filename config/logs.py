"""The format of the logs. All processes write one line per event, with time, level, event and key=value pairs."""

from __future__ import annotations

import logging
import logging.config
from typing import Any

import structlog

from execution.core.identifiers import REQUEST_ID
from execution.core.texts import visible


def show_unseen(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Escape characters of a log line that a terminal executes or hides, because a log repeats input from strangers.

    Line ends are not escaped here, because tracebacks need them. The renderers escape the line ends in all other
    values.
    """
    return {
        name: visible(value, keep="\n") if isinstance(value, str) else value for name, value in event.items()
    }


#: Loggers whose errors anybody can cause from outside: by a foreign Host, a broken frame or half a request.
OF_STRANGERS = ("django.security", "daphne.http_protocol", "daphne.ws_protocol", "autobahn", "twisted")


def not_an_error(record: logging.LogRecord) -> bool:
    """Turn an error that a stranger can cause into a warning without a traceback. The level "error" is only
    for problems that a person has to solve.
    """
    if record.levelno > logging.WARNING and record.name.startswith(OF_STRANGERS):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
    return True


def with_request_id(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Add a request's id to a line that Django logs about the request.

    Django logs "Not Found" and the like after the request's own context has ended.
    """
    meta = getattr(getattr(event.get("_record"), "request", None), "META", {})
    if drawn := meta.get(REQUEST_ID):
        event.setdefault("request", drawn)
    return event


SHARED_PROCESSORS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    show_unseen,
]


RENDERERS: dict[str, structlog.typing.Processor] = {
    "logfmt": structlog.processors.LogfmtRenderer(
        key_order=["timestamp", "level", "event"], drop_missing=True, bool_as_flag=False
    ),
    "json": structlog.processors.JSONRenderer(default=str),
}


def configure_logs(level: str, form: str = "logfmt") -> None:
    """Send structlog's and the standard library's records to standard error in one format: ``logfmt`` or ``json``."""
    structlog.configure(
        processors=[*SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        RENDERERS[form],
                    ],
                    "foreign_pre_chain": [with_request_id, *SHARED_PROCESSORS],
                },
            },
            "filters": {"strangers": {"()": lambda: not_an_error}},
            "handlers": {
                "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["strangers"]}
            },
            "root": {"handlers": ["console"], "level": level},
            "loggers": {
                "daphne.http_protocol": {"level": "WARNING"},
                "django.channels.server": {"level": "WARNING"},
                "asyncio": {"level": "WARNING"},
                # A line per hint would hide the lines that matter.
                "celery.worker.strategy": {"level": "WARNING"},
                "celery.app.trace": {"level": "WARNING"},
                "celery.beat": {"level": "WARNING"},
                "axes": {"level": "WARNING"},
            },
        }
    )
