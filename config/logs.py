"""One line of log per event, the same shape from every process: time, level, event, key=value."""

from __future__ import annotations

import logging
import logging.config

import structlog

SHARED_PROCESSORS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def configure_logs(level: str) -> None:
    """Send structlog's and the standard library's records to standard error in one format."""
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
                        structlog.processors.LogfmtRenderer(
                            key_order=["timestamp", "level", "event"], drop_missing=True, bool_as_flag=False
                        ),
                    ],
                    "foreign_pre_chain": SHARED_PROCESSORS,
                },
            },
            "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
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
