"""Logging to standard error for the processes we run: lines for a person, or one JSON object a line.

No line names a user: names of the context that a line belongs to are replaced by a keyed digest.
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import re
import secrets
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from deploy.settings import Settings

TIME_FORMAT: Final = "%H:%M:%S"
CHATTY = ("faust", "mode", "faust_redis.rocksdb.store", "aiokafka", "httpx", "httpcore")
NAGGING = ("faust.transport.producer",)  # warns for each event while Kafka is slower than the agents
TELLING = ("faust.worker",)  # logs when the worker is ready, and why it stops

REVEALING = ("aiosqlite",)  # logs the parameters of each statement

LIFE_OF_SERVICES = frozenset({"Starting...", "Stopping...", "Restarting...", "Shutdown complete!"})
KEY_BYTES: Final = 32
DIGEST_BYTES: Final = 8

logger = logging.getLogger(__name__)


class Context(NamedTuple):
    """What a line is about.

    Attributes:
        fields: Further fields of the line.
        user: The user whom the line is about; empty for none.
        people: Names of users that the line's text may have.
    """

    fields: Mapping[str, str | int] = {}
    user: str = ""
    people: Collection[str] = ()


NOTHING: Final = Context()
ContextNow = Callable[[], Context]
"""Returns what the running task works on."""


def _nothing() -> Context:
    return NOTHING


def _with_context(record: logging.LogRecord, context: ContextNow) -> tuple[logging.LogRecord, Context]:
    """Return a log record and its context: the fields and the names of users that belong to it.

    Where the context fails, the names to hide are unknown. The line then has the text of its call alone: no arguments,
    which may name users, and no traceback.
    """
    try:
        return record, context()
    except Exception as error:  # a fault of the context must not cost the line
        bare = copy.copy(record)
        bare.args, bare.exc_info, bare.exc_text, bare.stack_info = None, None, None, None
        return bare, Context({"context_error": type(error).__name__})


class Pseudonyms:
    """Replaces the names of users by keyed digests, which are the same in all processes with the same key."""

    def __init__(self, key: str | None) -> None:
        """Take a key; without one the digests differ from process to process."""
        secret = key.encode() if key else secrets.token_bytes(KEY_BYTES)
        self._key = hashlib.sha256(secret).digest()

    def of(self, user: str) -> str:
        """Return the digest of a name, 16 hexadecimal digits."""
        return hashlib.blake2b(user.encode(), key=self._key, digest_size=DIGEST_BYTES).hexdigest()

    def hide(self, text: str, people: Collection[str]) -> str:
        """Return a text with the digests of names in their place, and without code points that UTF-8 lacks."""
        for name in sorted(filter(None, people), key=len, reverse=True):
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", f"user-{self.of(name)}", text)
        return text.encode("utf-8", "replace").decode()


class ConsoleFormatter(logging.Formatter):
    """Formats a record as a line for a person. It has the name of the process or thread, and the id of a request."""

    def __init__(self, process: str, pseudonyms: Pseudonyms, context: ContextNow) -> None:
        super().__init__(f"%(asctime)s {process} %(levelname)-7s %(name)s: %(message)s", TIME_FORMAT)
        self._pseudonyms, self._context = pseudonyms, context

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name of the base class
        """Return the first line."""
        request = _with_context(record, self._context)[1].fields.get("request_id")
        return super().formatMessage(record) + (f" [X-Request-Id {request}]" if request else "")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the lines of a traceback."""
        record, context = _with_context(record, self._context)
        return self._pseudonyms.hide(super().format(record), {context.user, *context.people})


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object on one line."""

    def __init__(self, service: str, pseudonyms: Pseudonyms, context: ContextNow) -> None:
        super().__init__()
        self._service, self._pseudonyms, self._context = service, pseudonyms, context

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        record, context = _with_context(record, self._context)
        people = {context.user, *context.people}
        line: dict[str, str | int] = {
            "time": rfc3339(record.created),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": self._pseudonyms.hide(record.getMessage(), people),
            **context.fields,
        }
        if context.user:
            line["user"] = self._pseudonyms.of(context.user)
        if record.exc_info:
            line["exception"] = self._pseudonyms.hide(self.formatException(record.exc_info), people)
        return json.dumps(line)


def rfc3339(time_s: float) -> str:
    """Return a Unix time as RFC 3339 in UTC, with milliseconds: ``2026-11-29T21:00:00.125Z``."""
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_service_tree(record: logging.LogRecord) -> bool:
    """Strip the place in mode's service tree, such as ``[^--Producer]: ``; drop lines that only say "Starting..."."""
    message = str(record.msg)
    if message.startswith("[^"):
        record.msg = message.partition("]: ")[2]
    return record.msg not in LIFE_OF_SERVICES or record.levelno > logging.INFO


def configure(settings: Settings, service: str, *, context: ContextNow = _nothing, process: str | None = None) -> None:
    """Log to standard error, and quieten chatty libraries.

    Args:
        settings: Its level, its format, and its key for the digests of names.
        service: What the process is, such as ``api``.
        context: Returns what a line is about.
        process: How console lines name the process, as a %-format of the logging module; by default the service.
    """
    pseudonyms = Pseudonyms(None if settings.log_key is None else settings.log_key.get_secret_value())
    handler = logging.StreamHandler()
    if settings.log_format == "json":
        handler.setFormatter(JsonFormatter(service, pseudonyms, context))
        sys.excepthook = lambda kind, error, trace: _log_crash((kind, error, trace))
        threading.excepthook = lambda crash: _log_crash(
            (crash.exc_type, crash.exc_value or crash.exc_type(), crash.exc_traceback)
        )
    else:
        handler.setFormatter(ConsoleFormatter(process or service, pseudonyms, context))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for name in REVEALING:
        logging.getLogger(name).setLevel(logging.INFO)
    if settings.log_level != "debug":
        _quieten(handler, settings.log_level)


def _log_crash(error: tuple[type[BaseException], BaseException, object]) -> None:
    logger.critical("the process ends by an error", exc_info=error)  # type: ignore[arg-type]


def _quieten(handler: logging.Handler, level: str) -> None:
    handler.addFilter(_without_service_tree)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in NAGGING:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in TELLING:
        logging.getLogger(name).setLevel(level.upper())


def say_failed(error: Exception) -> None:
    """Report why the command ends: as a line of the log where that is JSON, else for a person."""
    if any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers):
        logger.critical("%s", error)
    else:
        print(f"astratrade: {error}", file=sys.stderr)  # noqa: T201 - this is where errors are shown
