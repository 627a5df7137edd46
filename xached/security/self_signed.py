"""A certificate that a house makes for itself, for people who have none yet.

Nobody vouches for it: a browser warns once, and what it shows can be compared with the fingerprint
that the house logs. It protects what it carries from then on.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAYS: Final = 397
"""Browsers refuse certificates that last longer (CA/Browser Forum ballot SC22)."""

RENEW_DAYS: Final = 30


def ensure_self_signed(
    certificate: Path, private_key: Path, names: Iterable[str], now_ns: int
) -> str:
    """Make a certificate where there is none, or one that ends soon or lacks a name.

    Returns its fingerprint.

    Args:
        certificate: where it is, or comes to be; its key, mode 0600, beside it.
        private_key: where its key is.
        names: names and addresses of hosts.
        now_ns: the wall clock.

    Raises: OSError; ValueError where the file that is there is no certificate.
    """
    now = datetime.fromtimestamp(now_ns / 1e9, UTC)
    hosts = [_host(each) for each in names]
    if certificate.exists() and private_key.exists():
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        lasts = found.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)
        if lasts and set(hosts) <= _hosts_of(found):
            return _fingerprint(found)
    key = ec.generate_private_key(ec.SECP256R1())
    made = _certificate(key, hosts, now)
    # The key first: a certificate without its key would be taken for a whole pair.
    _write(
        private_key,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    _write(certificate, made.public_bytes(serialization.Encoding.PEM))
    return _fingerprint(made)


def _certificate(
    key: ec.EllipticCurvePrivateKey, hosts: list[x509.GeneralName], now: datetime
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "XACHE")])
    usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A day back: clocks differ.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS - 1))
        .add_extension(x509.SubjectAlternativeName(hosts), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(usage, False)
        .sign(key, hashes.SHA256())
    )


def _hosts_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    """The names that it is good for."""
    try:
        return set(
            certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        )
    except x509.ExtensionNotFound:
        return set()


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _fingerprint(certificate: x509.Certificate) -> str:
    digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
    return ":".join(digest[at : at + 2].upper() for at in range(0, len(digest), 2))


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
