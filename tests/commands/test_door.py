"""Calls of an administrator's command that get no answer."""

from __future__ import annotations

import io
import re
import socket
from pathlib import Path

import grpc
import pytest
from xache.v1 import admin_pb2

from xached.api.errors import StatusError
from xached.cli import app
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


class Refusing(grpc.RpcError):  # type: ignore[misc] # grpc has no types
    """A call that the house refused with its reasons."""

    def __init__(self) -> None:
        error = StatusError(
            grpc.StatusCode.NOT_FOUND,
            "UNKNOWN_INSTRUMENT",
            "no such instrument",
            {"scale": "8", "allowed": "a listed instrument", "given": "NOPE", "field": "symbol"},
        )
        self.error = error

    def code(self) -> grpc.StatusCode:
        return self.error.code

    def details(self) -> str:
        return self.error.message

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return (("grpc-status-details-bin", self.error.to_proto().SerializeToString()),)


def test_a_refusal_says_what_was_given_and_what_is_allowed() -> None:
    """Checked: with the reason alone told, nobody learns which of the arguments it was."""
    assert enrolment.told(Refusing()).splitlines() == [
        "UNKNOWN_INSTRUMENT: no such instrument",
        "  field    symbol",
        "  given    NOPE",
        "  allowed  a listed instrument",
        "  scale    8",
    ]


def test_a_question_that_nobody_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(enrolment.EnrolmentFailed, match="nobody answered 'Password'"):
        enrolment.Terminal().ask("Password: ")


@pytest.mark.parametrize(
    "arguments",
    [("halt",), ("markets", "state", "BTC-USDT", "halted"), ("risk", "state", "house", "reducing")],
)
def test_a_cause_says_something(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Checked: a house was halted with nothing to read on anybody's screen."""
    with pytest.raises(SystemExit) as ended:
        app(["admin", *arguments, "--cause", "  "])
    assert ended.value.code == 2
    assert "It must say something." in capsys.readouterr().err


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
