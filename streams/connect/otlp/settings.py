"""OpenTelemetry's own environment variables, as far as they concern the export of spans.

Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and .../protocol/exporter/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

ENDPOINT: Final = "http://localhost:4318"
PATH: Final = "v1/traces"
PROTOCOL: Final = "http/protobuf"
PREFIXES: Final = ("OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_")
"""A variable of the first kind holds for traces alone and comes before one of the second kind."""


class OtlpSettingsError(ValueError):
    """A variable has a value that we do not accept. The message names the variable and shows no value."""


@dataclass(frozen=True, slots=True)
class OtlpSettings:
    """How spans are exported.

    Attributes:
        endpoint: The URL that takes them.
        headers: Headers of each request, such as a key of the collector.
        timeout_s: How long a request may take.
        certificate: A file with the authorities of the collector's certificate; None for the system's.
        resource: Attributes of the process.
        queue_max: How many spans wait at most; more are dropped.
        batch_max: How many spans a request has at most.
        every_s: How long spans wait for others.
    """

    endpoint: str
    headers: Mapping[str, str] = field(repr=False)
    timeout_s: float
    certificate: str | None
    resource: Mapping[str, str]
    queue_max: int
    batch_max: int
    every_s: float


def is_disabled(environment: Mapping[str, str]) -> bool:
    """Return whether OpenTelemetry is switched off, whatever our own settings say."""
    return environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def settings_of(environment: Mapping[str, str]) -> OtlpSettings:
    """Return the settings that environment variables have.

    Raises:
        OtlpSettingsError: a variable has a value that is not accepted.
    """
    protocol = _exporter(environment, "PROTOCOL")
    if protocol not in {"", PROTOCOL}:
        raise OtlpSettingsError(f"OTEL_EXPORTER_OTLP_PROTOCOL: spans are sent by {PROTOCOL} alone")
    resource = _pairs("OTEL_RESOURCE_ATTRIBUTES", environment.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    if name := environment.get("OTEL_SERVICE_NAME"):
        resource["service.name"] = name
    return OtlpSettings(
        endpoint=_endpoint(environment),
        headers=_pairs("OTEL_EXPORTER_OTLP_HEADERS", _exporter(environment, "HEADERS")),
        timeout_s=_number(environment, "OTEL_EXPORTER_OTLP_TIMEOUT", 10),
        certificate=_exporter(environment, "CERTIFICATE") or None,
        resource=resource,
        queue_max=int(_number(environment, "OTEL_BSP_MAX_QUEUE_SIZE", 8_192)),
        batch_max=int(_number(environment, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)),
        every_s=_number(environment, "OTEL_BSP_SCHEDULE_DELAY", 5_000) / 1_000,
    )


def _exporter(environment: Mapping[str, str], name: str) -> str:
    return next((value for prefix in PREFIXES if (value := environment.get(prefix + name, "").strip())), "")


def _endpoint(environment: Mapping[str, str]) -> str:
    """Return the URL for spans: the one for traces as it is, or the common one with the path of traces."""
    own = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip()
    common = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip() or ENDPOINT
    url = own or f"{common.rstrip('/')}/{PATH}"
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise OtlpSettingsError("OTEL_EXPORTER_OTLP_ENDPOINT is not an http:// or https:// URL")
    if parts.username is not None:
        raise OtlpSettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT has a user; name credentials in OTEL_EXPORTER_OTLP_HEADERS"
        )
    return url


def _pairs(variable: str, text: str) -> dict[str, str]:
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, value = part.partition("=")
        if not separator or not name.strip():
            raise OtlpSettingsError(f"{variable} is not a list such as name=value,name=value")
        found[unquote(name.strip())] = unquote(value.strip())
    return found


def _number(environment: Mapping[str, str], variable: str, default: int) -> float:
    text = environment.get(variable, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not int(text):
        raise OtlpSettingsError(f"{variable} is not a positive whole number")
    return int(text)
