"""What the doctor looks at when it is given a configuration: what this machine must give for it.

Nothing is changed and nothing is sent: ports are bound and let go, the mail server is greeted.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import attrs
from cryptography import x509
from xache_sdk.landlock import landlock_abi

from xached.adapters.smtp import Protection
from xached.config.config import Config, MailConfig
from xached.storage.directory import DataPaths

MAIL_S_MAX: Final = 5.0
CERTIFICATE_LEFT_MIN: Final = timedelta(days=14)
USER_NAMESPACES: Final = Path("/proc/sys/user/max_user_namespaces")
SECCOMP: Final = Path("/proc/sys/kernel/seccomp/actions_avail")

_CLOCK_UNSYNCHRONISED: Final = 5
"""TIME_ERROR of adjtimex(2)."""

_TIMEX_BYTES: Final = 512
"""More than ``struct timex`` has on any machine; zero asks for nothing to be changed."""


@attrs.frozen(kw_only=True)
class Check:
    """One thing the doctor looked at."""

    name: str
    ok: bool
    found: str
    advice: str


def check_house(config: Config, *, running: bool) -> Iterator[Check]:
    """What a configuration needs of its machine. ``running``: its daemon has the ports."""
    yield check_kernel()
    yield check_clock()
    for name, address in (
        ("gRPC port", config.grpc.listen),
        ("HTTP port", config.http_listen),
        ("admin port", config.admin.listen),
    ):
        if address:
            yield _check_port(name, address, running=running)
    for name, certificate, key in (
        ("gRPC certificate", config.grpc.certificate, config.grpc.private_key),
        ("HTTP certificate", config.http.certificate, config.http.private_key),
        ("admin certificate", config.admin.certificate, config.admin.private_key),
    ):
        if certificate is not None and key is not None:
            yield _check_certificate(name, certificate, key)
    own = DataPaths(config.data_dir)
    if config.http.self_signed and own.http_certificate.exists():
        yield _check_certificate(
            "HTTP certificate",
            own.http_certificate,
            own.http_private_key,
            "; the house makes another one when it starts",
        )
    yield _check_mail(config.mail)


def is_running(data_dir: Path) -> bool:
    """Whether a daemon has this data directory."""
    try:
        lock = os.open(DataPaths(data_dir).lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def check_kernel() -> Check:
    """What the kernel has to hold a strategy's process."""
    abi = landlock_abi()
    seccomp = SECCOMP.exists()
    try:
        namespaces = int(USER_NAMESPACES.read_text())
    except (OSError, ValueError):
        namespaces = 0
    return Check(
        name="kernel",
        ok=abi > 0 and seccomp,
        found=(
            f"{os.uname().release}: Landlock {abi or 'missing'}, "
            f"seccomp {'yes' if seccomp else 'missing'}, "
            f"user namespaces {'yes' if namespaces else 'none'}"
        ),
        advice="Landlock (Linux 5.13, lsm=landlock), seccomp; user namespaces hold more",
    )


def check_clock() -> Check:
    """Whether somebody keeps the machine's clock right."""
    libc = ctypes.CDLL(None, use_errno=True)
    state = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    kept = 0 <= state < _CLOCK_UNSYNCHRONISED
    return Check(
        name="clock",
        ok=kept,
        found="kept right" if kept else "nobody keeps it right",
        advice="a time service, such as chrony: orders carry this clock's times",
    )


def _check_port(name: str, address: str, *, running: bool) -> Check:
    host, _, port = address.rpartition(":")
    advice = "free, or held by this house"
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        family, kind, protocol, _, place = found[0]
        with closing(socket.socket(family, kind, protocol)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
    except OSError as error:
        return Check(name=name, ok=running, found=f"{address}: {error.strerror}", advice=advice)
    return Check(name=name, ok=True, found=f"{address} is free", advice=advice)


def _check_certificate(name: str, certificate: Path, key: Path, more: str = "") -> Check:
    days = CERTIFICATE_LEFT_MIN.days
    advice = f"readable, of its key, and good for {days} days more{more}"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        ends_at = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return Check(name=name, ok=False, found=f"{certificate}: {error}", advice=advice)
    left = ends_at - datetime.now(UTC)
    return Check(
        name=name,
        ok=left >= CERTIFICATE_LEFT_MIN,
        found=f"{certificate} ends on {ends_at:%Y-%m-%d}",
        advice=advice,
    )


def _check_mail(mail: MailConfig | None) -> Check:
    advice = "a server that answers; without one nobody can be written to"
    if mail is None:
        return Check(name="mail", ok=True, found="not configured", advice=advice)
    server = mail.server
    place = f"{server.host}:{server.port}"
    try:
        with socket.create_connection((server.host, server.port), MAIL_S_MAX) as connection:
            if server.protection is Protection.TLS:
                context = ssl.create_default_context()
                with context.wrap_socket(connection, server_hostname=server.host) as protected:
                    greeting = protected.recv(512)
            else:
                greeting = connection.recv(512)
    except OSError as error:
        return Check(name="mail", ok=False, found=f"{place}: {error}", advice=advice)
    answered = greeting.startswith(b"220")
    return Check(
        name="mail",
        ok=answered,
        found=f"{place} {'answers' if answered else 'does not greet as a mail server'}",
        advice=advice,
    )
