"""Plain one-line logging to standard error for the processes we run."""

from __future__ import annotations

import logging
from collections.abc import Callable

FORMAT = "%(asctime)s {process} %(levelname)-7s %(name)s: %(message)s%(suffix)s"
TIME_FORMAT = "%H:%M:%S"
CHATTY = ("faust", "mode", "faust_redis.rocksdb.store", "aiokafka", "httpx", "httpcore")
NAGGING = ("faust.transport.producer",)  # warns for each event while Kafka is slower than the agents
TELLING = ("faust.worker",)  # logs when the worker is ready, and why it stops

LIFE_OF_SERVICES = frozenset({"Starting...", "Stopping...", "Restarting...", "Shutdown complete!"})


def _without_service_tree(record: logging.LogRecord) -> bool:
    """Strip the place in mode's service tree, such as ``[^--Producer]: ``; drop lines that only say "Starting..."."""
    message = str(record.msg)
    if message.startswith("[^"):
        record.msg = message.partition("]: ")[2]
    return record.msg not in LIFE_OF_SERVICES or record.levelno > logging.INFO


def _nothing() -> str:
    return ""


def configure(process: str, level: str, *, threads: bool = False, suffix: Callable[[], str] = _nothing) -> None:
    """Log to standard error, each line with the name of the process or of its thread. Quieten chatty libraries.

    Args:
        process: The name of the process.
        level: The lowest level to log.
        threads: Name the thread instead of the process.
        suffix: Returns what each message ends with, such as the id of the request that it is about.
    """

    def add_suffix(record: logging.LogRecord) -> bool:
        record.suffix = suffix()
        return True

    name = "%(threadName)s" if threads else process
    logging.basicConfig(level=level.upper(), format=FORMAT.format(process=name), datefmt=TIME_FORMAT, force=True)
    for handler in logging.getLogger().handlers:
        handler.addFilter(add_suffix)
    if level != "debug":
        for handler in logging.getLogger().handlers:
            handler.addFilter(_without_service_tree)
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        for name in NAGGING:
            logging.getLogger(name).setLevel(logging.ERROR)
        for name in TELLING:
            logging.getLogger(name).setLevel(level.upper())
