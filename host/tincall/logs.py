"""Logging set up once per process: one JSON object a line, or colours on a terminal; secrets never pass.

Libraries that use the standard `logging` come out in the same form. Values are bounded, so that a hostile peer cannot
write a megabyte into the log, and control characters are escaped by the renderer.
"""

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

VALUE_MAX_CHARS = 256
# whatever is logged under a name with one of these words in it is a mistake, and this is the last net under it
SECRET_WORDS = ("token", "key", "secret", "proof", "authorization", "password", "ticket")
MASKED = "(secret)"


def configure(level: str = "info", form: str = "auto", stream: TextIO | None = None) -> None:
    """Set up structlog and the standard logging for this process.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        form: `json`, `console`, or `auto`: console on a terminal, JSON elsewhere.
        stream: where lines go; the standard error output if not given.
    """
    out = stream if stream is not None else sys.stderr
    console = form == "console" or (form == "auto" and out.isatty())
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
        bound_values,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    tail: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not console:
        tail.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[*tail, renderer], foreign_pre_chain=before))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "uvicorn", "asyncio", "alembic"):
        # httpx would write whole URLs, and the platform wants its access token in one
        logging.getLogger(chatty).setLevel(logging.WARNING)


def get(room: str) -> FilteringBoundLogger:
    """Give the logger of a room; bind the call id and the leg to it where there are any.

    Args:
        room: dotted name, as `relay.gate`.
    """
    logger: FilteringBoundLogger = structlog.get_logger(room, room=room)
    return logger


def mask_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replace what stands under a secret's name; a structlog processor."""
    for name in event:
        if name != "event" and any(word in name.lower() for word in SECRET_WORDS):
            event[name] = MASKED
    return event


def bound_values(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Cut text values to `VALUE_MAX_CHARS`; a structlog processor."""
    for name, value in event.items():
        event[name] = bounded(value)
    return event


def bounded(value: Any) -> Any:
    """Give `value`, cut to `VALUE_MAX_CHARS` when it is text and printable on one line."""
    if not isinstance(value, str):
        return value
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in value)
    return clean if len(clean) <= VALUE_MAX_CHARS else clean[:VALUE_MAX_CHARS] + "..."
