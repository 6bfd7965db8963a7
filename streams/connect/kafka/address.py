"""The URL of a Kafka: where it is, and how clients encrypt and authenticate.

    kafka://broker:9092
    kafka://user:password@broker:9093?tls=true&ca=/etc/kafka-ca.pem&mechanism=SCRAM-SHA-512

A user name means SASL. Special characters of user and password are percent-encoded.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

DEFAULT_PORT: Final = 9092
MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
OPTIONS: Final = ("tls", "ca", "mechanism")


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """How to reach a Kafka.

    Attributes:
        bootstrap: ``host:port``.
        tls: Whether connections are encrypted; the server's certificate is always verified.
        ca_file: Certificates to verify the server by; None for the system's.
        username: The user of SASL, or None for no authentication.
        password: The user's password.
        mechanism: How SASL proves the password.
    """

    bootstrap: str
    tls: bool = False
    ca_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    mechanism: str = MECHANISMS[0]

    @property
    def security_protocol(self) -> str:
        """Return Kafka's name for the combination of TLS and SASL."""
        if self.username is None:
            return "SSL" if self.tls else "PLAINTEXT"
        return "SASL_SSL" if self.tls else "SASL_PLAINTEXT"

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return what connections are encrypted with; None without TLS."""
        return ssl.create_default_context(cafile=self.ca_file) if self.tls else None

    def client_options(self) -> dict[str, Any]:
        """Return the arguments of aiokafka's clients."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
            "ssl_context": self.ssl_context(),
        }
        if self.username is not None:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options


def address_of(url: str) -> KafkaAddress:
    """Return the address of a ``kafka://`` URL.

    Raises:
        ValueError: an option is unknown, has a wrong value or no effect, or the password would travel unencrypted.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in OPTIONS:
            raise ValueError(f"{name!r} is not an option of a kafka:// URL; the options are {', '.join(OPTIONS)}")
    tls, mechanism = options.get("tls", "false"), options.get("mechanism", MECHANISMS[0])
    if tls not in {"true", "false"}:
        raise ValueError("the option tls is true or false")
    if mechanism not in MECHANISMS:
        raise ValueError(f"the option mechanism is one of {', '.join(MECHANISMS)}")
    username = unquote(parts.username) if parts.username else None
    if username is None and (parts.password or "mechanism" in options):
        raise ValueError("a password and the option mechanism need a user name")
    if "ca" in options and tls == "false":
        raise ValueError("the option ca needs tls=true")
    if username is not None and mechanism == "PLAIN" and tls == "false":
        raise ValueError("the mechanism PLAIN sends the password as it is, so it needs tls=true")
    return KafkaAddress(
        bootstrap=f"{parts.hostname}:{parts.port or DEFAULT_PORT}",
        tls=tls == "true",
        ca_file=options.get("ca"),
        username=username,
        password=unquote(parts.password) if parts.password else None,
        mechanism=mechanism,
    )
