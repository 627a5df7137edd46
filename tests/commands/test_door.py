"""Calls of an administrator's command that get no answer."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from xache.v1 import admin_pb2

from xached.commands import enrolment
from xached.commands.door import Door, call


def test_a_call_that_may_have_been_done_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked: with the refusal alone told, the id that was made up is lost."""
    path = tmp_path / "admin.sock"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
    monkeypatch.setattr(enrolment.Terminal, "ask_secret", lambda *_: "000000")
    request = admin_pb2.DepositRequest(account_id="ada", asset="USDT", amount="1")
    with pytest.raises(SystemExit, match="UNAVAILABLE") as ended:
        call(Door(socket=path, operator="root@house.example"), request)
    said = re.search(r"repeat it with --request-id (admin-[0-9a-f]+)$", str(ended.value))
    assert said is not None
    assert said.group(1) == request.request_id


def test_a_call_without_an_id_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "admin.sock"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
    monkeypatch.setattr(enrolment.Terminal, "ask_secret", lambda *_: "000000")
    with pytest.raises(SystemExit) as ended:
        call(Door(socket=path, operator="root@house.example"), admin_pb2.GetHealthRequest())
    assert "--request-id" not in str(ended.value)
