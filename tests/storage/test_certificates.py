"""Certificates are read as they were written, or not at all.

Checked by leaving out the comparison of the digest: the edited one says that all is well.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from tests.parity.test_certificates import certificate
from xached.parity.certificates import keep_certificate
from xached.research.judgement.parity import Executed, OrderPair, fill_parity
from xached.storage.certificates import Certificates


def test_the_newest_are_read_first(tmp_path: Path) -> None:
    for day in range(5):
        keep_certificate(certificate(day, differs=day == 4), tmp_path)
    found = Certificates(tmp_path).newest("my sma", 3)
    assert [each.from_ns for each in found] == [4 * 10**9, 3 * 10**9, 2 * 10**9]
    assert [(each.holds, each.decisions, each.decisions_equal) for each in found] == [
        (False, 1, 0),
        (True, 1, 1),
        (True, 1, 1),
    ]
    assert found[0].not_replayed == {"was amended": 2}
    assert Certificates(tmp_path).newest("another", 3) == []
    assert Certificates(tmp_path / "nowhere").newest("my sma", 3) == []


def test_causes_are_read(tmp_path: Path) -> None:
    pair = OrderPair(
        order_id="1",
        buy=True,
        live=Executed(10, 1_010),
        replayed=Executed(10, 1_000),
        data_revised=True,
    )
    keep_certificate(attrs.evolve(certificate(), fills=fill_parity([pair])), tmp_path)
    [found] = Certificates(tmp_path).newest("my sma", 1)
    [cause] = found.causes
    assert (cause.cause, cause.orders, cause.lots) == ("DATA_REVISION", 1, 0)
    assert (found.orders, found.orders_equal) == (1, 0)
    assert found.cost_bp > 0


def test_what_somebody_edited_is_left_out(tmp_path: Path) -> None:
    path = keep_certificate(certificate(differs=True), tmp_path)
    keep_certificate(certificate(2), tmp_path)
    path.write_text(path.read_text().replace('"holds": false', '"holds": true'))
    assert len(Certificates(tmp_path).newest("my sma", 9)) == 1
    path.write_text("{")
    assert len(Certificates(tmp_path).newest("my sma", 9)) == 1
