"""A certificate authority for one test: it issues real certificates for server names, in PEM files."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key: in one file each, and both in a third."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """A new authority. Its own certificate is in `file`."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(f"{name} of a test")
        self._certificate = self._signed(self._subject, self._key.public_key(), [], is_authority=True)
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names: str) -> Issued:
        """Return a certificate for host names or IP addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(_name(names[0]), key.public_key(), list(names), is_authority=False)
        path = self._directory / f"{self._name}-{names[0]}"
        issued = Issued(path.with_suffix(".crt"), path.with_suffix(".key"), path.with_suffix(".both"))
        key_text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate_text = certificate.public_bytes(serialization.Encoding.PEM)
        issued.key.write_bytes(key_text)
        issued.certificate.write_bytes(certificate_text)
        issued.both.write_bytes(key_text + certificate_text)
        return issued

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, names: list[str], *, is_authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - LIFE)
            .not_valid_after(now + LIFE)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
        return builder.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
