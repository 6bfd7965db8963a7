"""Export the spans of a process, as its settings say."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from deploy.errors import SettingsError
from deploy.settings import Settings
from streams.connect.otlp.settings import OtlpSettingsError, is_disabled, settings_of
from streams.spans import Spans

DISTRIBUTION = "astratrade-streams"


@contextmanager
def tracing(settings: Settings, service: str) -> Iterator[Spans | None]:
    """Provide where a process records its spans; None when traces are off. The last spans are sent at the end.

    Raises:
        SettingsError: a variable of OpenTelemetry has a value that is not accepted.
    """
    if not settings.trace_sample or is_disabled(os.environ):
        yield None
        return
    from streams.connect.otlp.exporter import Exporter  # noqa: PLC0415 - a process without traces does not load it

    product = version(DISTRIBUTION)
    resource = {
        "service.namespace": settings.namespace,
        "service.name": f"{settings.app_id}-{service}",
        "service.version": product,
        "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
    }
    try:
        exporter = Exporter(settings_of(os.environ), resource, product, settings.trace_sample)
    except OtlpSettingsError as error:
        raise SettingsError(str(error)) from None
    exporter.start()
    try:
        yield exporter
    finally:
        exporter.close()
