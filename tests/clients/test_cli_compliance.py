"""Limits and disclosures by the command."""

from __future__ import annotations

import pytest
from xache.v1 import compliance_pb2 as pb

from tests.clients.command import Run, runner
from tests.clients.house import EMAIL, PASSWORD, House


@pytest.fixture
def signed_in(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    run = runner(house, capsys)
    assert run("login", EMAIL).code == 0
    return run


def test_limits_are_shown_with_what_is_used(house: House, signed_in: Run) -> None:
    ran = signed_in("limits")
    assert ran.out.split() == ["level", "0"]
    assert "limits nothing" in ran.err
    house.answers["GetLimits"] = pb.GetLimitsResponse(
        level=1,
        limited=True,
        limits=[
            pb.DayLimit(
                asset="USDT", deposit="10000", deposited="25", trade="50000", traded="7",
                withdraw="2000",
            )
        ],
    )  # fmt: skip
    lines = signed_in("limits").out.splitlines()
    assert lines[0].split() == ["level", "1"]
    assert lines[-1].split() == ["USDT", "25", "10000", "7", "50000", "2000"]
    assert '"limited": true' in signed_in("limits", "--json").out


def test_a_disclosure_is_read_and_accepted(house: House, signed_in: Run) -> None:
    assert "nothing to accept" in signed_in("disclosures").err
    disclosure = pb.Disclosure(name="risk", version=2, title="Risks", text="You can lose.")
    house.answers["ListDisclosures"] = pb.ListDisclosuresResponse(disclosures=[disclosure])
    ran = signed_in("disclosures")
    assert ran.out.splitlines() == ["Risks  risk version 2: not accepted", "You can lose."]
    assert "xache accept risk 2" in ran.err
    disclosure.accepted_version = 1
    house.answers["ListDisclosures"] = pb.ListDisclosuresResponse(disclosures=[disclosure])
    assert "version 1 was accepted, this one is not" in signed_in("disclosures").out
    disclosure.accepted_version = 2
    house.answers["ListDisclosures"] = pb.ListDisclosuresResponse(disclosures=[disclosure])
    ran = signed_in("disclosures")
    assert ran.out.splitlines()[0].endswith("version 2: accepted")
    assert ran.err == ""
    assert signed_in("accept", "risk", "2").out == "accepted version 2 of risk\n"
    request = house.requests[-1]
    assert isinstance(request, pb.AcceptDisclosureRequest)
    assert (request.name, request.version, len(request.request_id) > 8) == ("risk", 2, True)
    assert '"seq": 9' in signed_in("accept", "risk", "2", "--json").out
