"""Certificates as files, and the command that makes them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from xached.parity import certificates
from xached.parity.certificates import keep_certificate
from xached.research.judgement.certificate import RunParity, StrategyCertificate
from xached.research.judgement.parity import Decision, decision_parity, fill_parity


def certificate(day: int = 1, *, differs: bool = False) -> StrategyCertificate:
    again = [Decision(7, ("sell",) if differs else ("buy",))]
    run = RunParity(
        run_id="a1",
        plugin="sma",
        version="1.0",
        plugin_digest="00",
        started_at_ns=1,
        inputs=10,
        decisions=decision_parity([Decision(7, ("buy",))], again),
    )
    return StrategyCertificate(
        strategy="my sma",
        from_ns=day * 10**9,
        to_ns=(day + 1) * 10**9,
        made_at_ns=5,
        latency_ns=5,
        runs=(run,),
        fills=fill_parity(()),
        not_replayed={"was amended": 2},
    )


def test_a_certificate_is_kept_as_json_and_as_text(tmp_path: Path) -> None:
    path = keep_certificate(certificate(differs=True), tmp_path / "certificates")
    plain = json.loads(path.read_text())
    digest = plain.pop("digest")
    assert digest == hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    assert (plain["holds"], plain["decision_parity"]["share"]) == (False, 0.0)
    [difference] = plain["runs"][0]["differences"]
    assert difference == {"input": 7, "recorded": "buy", "replayed": "sell"}
    told = path.with_suffix(".txt").read_text()
    assert "after input 7: it wanted buy" in told
    assert "not replayed: 2 × was amended" in told
    assert "nothing to compare" in told


def test_the_oldest_certificates_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "CERTIFICATES_MAX", 3)
    kept = [keep_certificate(certificate(day), tmp_path) for day in range(5)]
    left = sorted(tmp_path.iterdir())
    assert left == sorted([*kept[2:], *(path.with_suffix(".txt") for path in kept[2:])])


def test_the_oldest_of_everybody_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strategies end, and what was judged of them stays: not without end.

    Checked: with certificates counted for each strategy alone all five stay.
    """
    monkeypatch.setattr(certificates, "EVERYBODYS_MAX", 3)
    each = [
        keep_certificate(attrs.evolve(certificate(day), strategy=f"bot {day}"), tmp_path)
        for day in range(5)
    ]
    left = sorted(tmp_path.glob("*.json"))
    assert left == sorted(each[2:])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "nothing of strategy 'nobody' was recorded"),
        (("--hours", "0"), "--hours from 1"),
        (("--require", "walls"), "none of"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    command = [sys.executable, "-m", "xached", "parity", "nobody", "--data", str(tmp_path)]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert done.returncode == 2
    assert told in done.stderr
