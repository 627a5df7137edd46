"""Administrators elsewhere: the real grpcurl with client certificates, at a real daemon.

Checked by letting the listener ask for no certificate, by trusting any authority, and by taking the
name from a header instead: each is seen red.
"""

from __future__ import annotations

import datetime
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trustme

from tests.demo import BIN
from tests.faults.house import PASSWORD, HouseProcess, running
from tests.security.test_operators import EMAIL, HALT, HEALTH, Enrolled, audit_of, enrol
from xached.domain.audit import ActionAsked
from xached.domain.second_factor import SteppedUp

pytestmark = pytest.mark.xdist_group("operators")

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@attrs.define
class Listener:
    """A daemon whose administrators are elsewhere, and who may certify them."""

    house: HouseProcess
    ada: Enrolled
    root: Path
    authority: trustme.CA

    def write_server(self, authority: trustme.CA, clients: trustme.CA) -> None:
        """Put the files of the listener in their place, or in the place of others."""
        write_server(self.root, authority, clients)

    def certify(
        self, name: str, authority: trustme.CA | None = None, **terms: Any
    ) -> tuple[str, ...]:
        """A certificate of somebody, as options of grpcurl."""
        leaf = (authority or self.authority).issue_cert(common_name=name, **terms)
        stem = self.root / f"{abs(hash((name, id(authority), *terms)))}"
        leaf.private_key_pem.write_to_path(stem.with_suffix(".key"))
        with stem.with_suffix(".pem").open("wb") as file:
            file.writelines(each.bytes() for each in leaf.cert_chain_pems)
        return "-cert", str(stem.with_suffix(".pem")), "-key", str(stem.with_suffix(".key"))

    def grpcurl(self, options: tuple[str, ...], method: str, *headers: str, **request: Any) -> str:
        """Ask with the real grpcurl: what it printed."""
        named = [argument for header in headers for argument in ("-H", header)]
        done = subprocess.run(
            [f"{BIN}/grpcurl", "-connect-timeout", "5", "-cacert", str(self.root / "house-ca.pem"),
             *options, *named, "-d", json.dumps(request), self.house.admin, method],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode != 0 or not done.stderr, done
        return done.stdout + done.stderr


def write_server(root: Path, authority: trustme.CA, clients: trustme.CA) -> None:
    """The files of the listener."""
    leaf = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(root / "house-ca.pem")
    clients.cert_pem.write_to_path(root / "clients.pem")
    leaf.private_key_pem.write_to_path(root / "listener.key")
    leaf.cert_chain_pems[0].write_to_path(root / "listener.pem")


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """A daemon with an administrator."""
    authority = trustme.CA()
    write_server(tmp_path, authority, authority)
    admin = """
listen = "127.0.0.1:0"
certificate = "listener.pem"
private_key = "listener.key"
client_ca = "clients.pem"
"""
    with running(tmp_path, admin=admin) as house:
        yield Listener(house, enrol(house, EMAIL, PASSWORD, house.token), tmp_path, authority)


def test_only_certified_operators_get_in(listener: Listener) -> None:
    ada, halt = listener.certify(EMAIL), {"halted": True, "cause": "a drill"}
    assert "journal_seq" in listener.grpcurl(ada, HEALTH)
    stranger = listener.certify(EMAIL, trustme.CA())
    expired = listener.certify(EMAIL, not_before=LONG_AGO, not_after=LONG_AGO.replace(year=2021))
    for options in ((), stranger, expired):
        shut_out = listener.grpcurl(options, HEALTH)
        assert "Failed to dial target host" in shut_out or "Unavailable" in shut_out, shut_out
    # Whoever is certified under another name is nobody here, whatever they say.
    eve = listener.certify("eve@house.example")
    refused = listener.grpcurl(eve, HEALTH, f"x-xache-operator: {EMAIL}")
    assert "Unauthenticated" in refused
    # The certificate is one factor: what moves money or rights takes the other one too.
    assert "CODE_REQUIRED" in listener.grpcurl(ada, HALT, **halt)
    assert "CODE_WRONG" in listener.grpcurl(ada, HALT, "x-xache-code: 000000", **halt)
    code = listener.ada.code()
    assert "OPERATOR_UNKNOWN" in listener.grpcurl(eve, HALT, code, **halt)
    assert "seq" in listener.grpcurl(ada, HALT, code, **halt)
    assert "CODE_WRONG" in listener.grpcurl(ada, HALT, code, **halt)
    assert listener.house.stop() == 0
    events = audit_of(listener.house.data)
    (proven,) = (each for each in events if isinstance(each, SteppedUp) and "Halt" in each.method)
    (asked,) = (each for each in events if isinstance(each, ActionAsked) and "Halt" in each.method)
    assert asked.by == proven.account_id
    assert asked.session_id == ""
    assert asked.address is not None


def test_other_certificates_count_without_a_restart(listener: Listener) -> None:
    """An authority that is replaced lets nobody in any more, and the listener shows its new one."""
    before = listener.certify(EMAIL)
    assert "journal_seq" in listener.grpcurl(before, HEALTH)
    authority = trustme.CA()
    listener.write_server(authority, authority)
    after = listener.certify(EMAIL, authority)
    assert "journal_seq" in listener.grpcurl(after, HEALTH)
    shut_out = listener.grpcurl(before, HEALTH)
    assert "Failed to dial target host" in shut_out or "Unavailable" in shut_out, shut_out
    # Files that are none leave what counts as it is.
    (listener.root / "clients.pem").write_text("none")
    assert "journal_seq" in listener.grpcurl(after, HEALTH)
    assert listener.house.stop() == 0
