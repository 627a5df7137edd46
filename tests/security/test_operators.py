"""Administrators prove that they are there: with the real grpcurl, at a real daemon.

Checked by taking each check of api/operators.py out: the refusals below become answers.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.demo import BIN
from tests.faults.house import PASSWORD, START_S_MAX, HouseProcess, running
from xached.domain.audit import ActionAsked, ActionEnded
from xached.domain.identity import IdentityEvent
from xached.domain.second_factor import Proof, SecondFactorFailed, SteppedUp
from xached.runtime.world import RealWorld
from xached.security.keys import Purpose
from xached.security.master import FILE_ONLY, find_master_key
from xached.security.totp import code_at, step_at
from xached.storage.directory import DataPaths
from xached.storage.vault import Vault

EMAIL = "ada@house.example"
HALT = "xache.v1.AdminService/SetHalt"
HEALTH = "xache.v1.AdminService/GetHealth"
WHO = f"x-xache-operator: {EMAIL}"

pytestmark = pytest.mark.xdist_group("operators")


@attrs.define
class Enrolled:
    """A daemon with an administrator who has an authenticator."""

    house: HouseProcess
    secret: bytes
    step: int
    """Of the newest code that was used."""
    recovery_codes: list[str]

    def code(self) -> str:
        """A code that was not used yet. Two in a row are good at any moment: clocks differ."""
        self.step = max(self.step + 1, step_at(time.time_ns()))
        return f"x-xache-code: {code_at(self.secret, self.step)}"

    def grpcurl(self, method: str, *headers: str, **request: Any) -> str:
        """Ask with the real grpcurl: what it printed."""
        options = [argument for header in headers for argument in ("-H", header)]
        socket = str(self.house.data / "admin.sock")
        done = subprocess.run(
            [f"{BIN}/grpcurl", "-plaintext", "-unix", *options, "-d", json.dumps(request),
             socket, method],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert (done.returncode == 0) == ("ERROR:" not in done.stderr), done
        return done.stdout + done.stderr


def enrol(house: HouseProcess, *answers: str, newest: int = 0) -> Enrolled:
    """Answer `xached admin enrol` as a person does. ``newest``: a step that was used already."""
    process = subprocess.Popen(
        [sys.executable, "-m", "xached", "admin", "enrol", "--data", str(house.data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(f"{answer}\n" for answer in answers))
    process.stdin.flush()
    uri = next(line for line in process.stdout if line.startswith("otpauth://totp/XACHE"))
    found = re.search(r"secret=(\w+)", uri)
    assert found is not None
    secret, step = base64.b32decode(found[1]), max(step_at(time.time_ns()), newest + 1)
    shown, _ = process.communicate(f"{code_at(secret, step)}\n", timeout=START_S_MAX)
    assert process.returncode == 0, shown
    recovery_codes = re.findall(r"^  (\w{4}(?:-\w{4}){3})$", shown, re.MULTILINE)
    assert len(recovery_codes) == 10
    return Enrolled(house, secret, step, recovery_codes)


def audit_of(data: Path) -> list[IdentityEvent]:
    """What the chain of a house that is stopped says."""
    paths = DataPaths(data)
    master = find_master_key(paths.master_key, paths.master_id, FILE_ONLY)
    vault = Vault.open(
        paths.vault,
        row_key=master.derive(Purpose.VAULT_ROWS),
        stream_key=master.derive(Purpose.VAULT_STREAM),
        new_house_id=RealWorld().entropy,
    )
    try:
        return [row.event for row in vault.read_stream()]
    finally:
        vault.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HouseProcess]:
    """As it ships: what moves money or rights takes a code."""
    with running(tmp_path, admin="") as running_house:
        yield running_house


def test_grpcurl_with_a_code_runs_the_house(house: HouseProcess) -> None:
    ada = enrol(house, EMAIL, PASSWORD, house.token)
    halt = {"halted": True, "cause": "a drill"}
    nobody = ada.grpcurl(HALT, **halt)
    assert "Unauthenticated" in nobody
    assert "-H 'x-xache-operator: NAME' -H 'x-xache-code: 123456'" in nobody
    assert "x-xache-operator" in ada.grpcurl(HEALTH)
    without = ada.grpcurl(HALT, WHO, **halt)
    assert "FailedPrecondition" in without
    assert "-H 'x-xache-code: 123456'" in without
    assert "CODE_REQUIRED" in without
    assert "CODE_WRONG" in ada.grpcurl(HALT, WHO, "x-xache-code: 000000", **halt)
    unknown = ada.grpcurl(HALT, "x-xache-operator: eve@house.example", ada.code(), **halt)
    assert "OPERATOR_UNKNOWN" in unknown
    ada.step -= 1  # It was not asked for, so it is good still.
    right = ada.code()
    assert json.loads(ada.grpcurl(HALT, WHO, right, **halt))["seq"]
    # Once is once: for the same request and for any other.
    assert "CODE_WRONG" in ada.grpcurl(HALT, WHO, right, **halt)
    assert "CODE_WRONG" in ada.grpcurl(HALT, WHO, right, halted=False, cause="over")
    assert house.stop() == 0
    events = audit_of(house.data)
    (proven,) = (
        event for event in events if isinstance(event, SteppedUp) and "Halt" in event.method
    )
    assert proven.proof is Proof.TOTP
    (asked,) = (
        event for event in events if isinstance(event, ActionAsked) and "Halt" in event.method
    )
    assert asked.by == proven.account_id
    (ended,) = (
        event
        for event in events
        if isinstance(event, ActionEnded) and event.action_id == asked.action_id
    )
    assert ended.outcome == "OK"
    failed = [event for event in events if isinstance(event, SecondFactorFailed)]
    assert [event.account_id for event in failed] == [proven.account_id] * 3


def test_who_lost_the_authenticator_comes_back_over_the_machine(house: HouseProcess) -> None:
    """With the daemon stopped and the master key at hand; the password alone moves nothing then."""
    ada = enrol(house, EMAIL, PASSWORD, house.token)

    def reset(name: str) -> subprocess.CompletedProcess[str]:
        return xached("unenrol", name, "--data", str(house.data))

    # Whoever has the phone now asks for a day without one, just before.
    asked = ada.grpcurl(
        "xache.v1.AuthService/DisableSecondFactor",
        session_of(ada, ada.recovery_codes[1]),
        code=ada.recovery_codes[2],
    )
    assert "due_at_ns" in asked
    assert "in use" in reset(EMAIL).stderr
    assert house.stop() == 0
    assert "no administrator of this name" in reset("eve@house.example").stderr
    assert "has no authenticator any more" in reset(EMAIL).stdout
    assert "has no authenticator" in reset(EMAIL).stderr
    with running(house.root, admin="") as again:
        old = Enrolled(again, ada.secret, ada.step, [])
        assert "SECOND_FACTOR_NEEDED" in old.grpcurl(HALT, WHO, old.code(), halted=True)
        new = enrol(again, EMAIL, PASSWORD, "", newest=ada.step)
        # What waited would take the new one away.
        session = session_of(new, new.recovery_codes[1])
        assert json.loads(new.grpcurl("xache.v1.AccountService/GetGuards", session)) == {}
        # Neither what the lost one shows nor its recovery codes; a new one stands in once.
        for code in (old.code(), f"x-xache-code: {ada.recovery_codes[0]}"):
            assert "CODE_WRONG" in new.grpcurl(HALT, WHO, code, halted=True, cause="x")
        fresh = f"x-xache-code: {new.recovery_codes[0]}"
        assert "seq" in new.grpcurl(HALT, WHO, fresh, halted=True, cause="x")
        assert "CODE_WRONG" in new.grpcurl(HALT, WHO, fresh, halted=True, cause="x")
        # Beside the running daemon anybody with the key sees who did what.
        listed = xached("actions", "--data", str(again.data)).stdout.splitlines()
        assert again.stop() == 0
    done = [line.split()[2:4] for line in listed]
    assert done[-1] == ["AdminService/SetHalt", "OK"], listed
    assert ["xached", "admin"] in done
    assert {line.split()[1] for line in listed if "SetHalt" in line} != {"-"}


def session_of(who: Enrolled, code: str) -> str:
    """A session with a password and a code, as metadata."""
    begun = json.loads(
        who.grpcurl("xache.v1.AuthService/Login", email=EMAIL, password=PASSWORD, device="x")
    )
    token = begun["second_factor_token"]
    granted = json.loads(
        who.grpcurl("xache.v1.AuthService/CompleteLogin", second_factor_token=token, code=code)
    )
    return f"authorization: Bearer {granted['tokens']['access_token']}"


def xached(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `xached admin` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "xached", "admin", *arguments],
        capture_output=True,
        text=True,
        timeout=START_S_MAX,
        check=False,
    )


def test_a_session_alone_moves_nothing(house: HouseProcess) -> None:
    """The password is one factor; a code is asked for with each call that needs it."""
    ada = enrol(house, EMAIL, PASSWORD, house.token)
    code = ada.code().partition(" ")[2]
    bearer = session_of(ada, code)
    assert "journal_seq" in ada.grpcurl(HEALTH, bearer)
    refused = ada.grpcurl(HALT, bearer, halted=True, cause="x")
    assert "FailedPrecondition" in refused
    assert "CODE_REQUIRED" in refused
    used = f"x-xache-code: {code}"
    assert "CODE_WRONG" in ada.grpcurl(HALT, bearer, used, halted=True, cause="x")


def test_who_has_no_authenticator_is_told_what_to_do(house: HouseProcess) -> None:
    """The house says so at its start, and at every call; enrolling helps at once."""
    output = house.process.stdout
    assert output is not None
    assert "xached admin enrol" in output.readline()
    made = Enrolled(house, b"", 0, []).grpcurl(
        "xache.v1.AdminService/BootstrapAdmin", token=house.token, email=EMAIL, password=PASSWORD
    )
    assert "account_id" in made
    refused = Enrolled(house, b"", 0, []).grpcurl(HALT, WHO, "x-xache-code: 123456", halted=True)
    assert "SECOND_FACTOR_NEEDED" in refused
    assert "xached admin enrol" in refused
    ada = enrol(house, EMAIL, PASSWORD, "")
    assert "seq" in ada.grpcurl(HALT, WHO, ada.code(), halted=True, cause="x")
