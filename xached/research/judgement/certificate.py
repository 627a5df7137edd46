"""The parity certificate of a strategy as a document: both numbers, and every run behind them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from xached.research.judgement.parity import DecisionParity, FillParity

FORMAT: Final = 1
SHOWN_MAX: Final = 5
"""Differences that are told in full, of each run."""


@attrs.frozen(kw_only=True)
class RunParity:
    """One run. ``notes`` says what could not be judged, and why."""

    run_id: str
    plugin: str
    version: str
    plugin_digest: str
    started_at_ns: int
    inputs: int
    decisions: DecisionParity
    notes: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class StrategyCertificate:
    """What a strategy did from ``from_ns`` to ``to_ns``, judged."""

    strategy: str
    from_ns: int
    to_ns: int
    made_at_ns: int
    latency_ns: int
    """Of the declared fill model."""
    runs: tuple[RunParity, ...]
    fills: FillParity
    not_replayed: Mapping[str, int]
    """Orders that the fill model does not know, by the reason."""

    @property
    def decisions(self) -> int:
        """How many decisions were compared."""
        return sum(run.decisions.decisions for run in self.runs)

    @property
    def equal(self) -> int:
        """How many of them were made again."""
        return sum(run.decisions.equal for run in self.runs)

    @property
    def holds(self) -> bool:
        """Whether every decision was made again, and every run could be judged."""
        return self.equal == self.decisions and not any(run.notes for run in self.runs)


def document(certificate: StrategyCertificate) -> dict[str, Any]:
    """The certificate as JSON. ``digest`` is over all the rest, with sorted keys."""
    share = certificate.equal / certificate.decisions if certificate.decisions else None
    plain = {
        "format": FORMAT,
        "strategy": certificate.strategy,
        "from_at_ns": certificate.from_ns,
        "to_at_ns": certificate.to_ns,
        "made_at_ns": certificate.made_at_ns,
        "holds": certificate.holds,
        "decision_parity": {
            "decisions": certificate.decisions, "equal": certificate.equal, "share": share
        },
        "fill_parity": {
            "orders": certificate.fills.orders,
            "equal": certificate.fills.equal,
            "share": certificate.fills.share,
            "cost_bp": certificate.fills.cost_bp,
            "latency_ns": certificate.latency_ns,
            "causes": [
                {
                    "cause": each.cause.name, "meaning": each.cause.value, "orders": each.orders,
                    "share": each.share, "cost_bp": each.cost_bp, "lots": each.lots,
                }
                for each in certificate.fills.causes
            ],
            "not_replayed": dict(certificate.not_replayed),
        },
        "runs": [_run_document(run) for run in certificate.runs],
    }  # fmt: skip
    body = json.dumps(plain, sort_keys=True).encode()
    return {**plain, "digest": hashlib.sha256(body).hexdigest()}


def text(certificate: StrategyCertificate) -> str:
    """The certificate for people."""
    span = f"{_moment(certificate.from_ns)} to {_moment(certificate.to_ns)} UTC"
    lines = [
        f"Parity of {certificate.strategy}, {span}",
        f"Decision parity: {_share(certificate.equal, certificate.decisions)}",
    ]
    for run in certificate.runs:
        lines.append(
            f"  run {run.run_id} of {run.plugin} {run.version}: {run.inputs:,} inputs, "
            f"{run.decisions.equal:,} of {run.decisions.decisions:,} decisions made again"
        )
        lines += [f"    {note}" for note in run.notes]
        for each in run.decisions.differences[:SHOWN_MAX]:
            lines.append(f"    after input {each.number}: it wanted {_told(each.recorded)}")
            lines.append(f"      and now wants {_told(each.replayed)}")
    fills = certificate.fills
    lines.append(
        f"Fill parity: {_share(fills.equal, fills.orders)}; live cost {fills.cost_bp:+.2f} bp"
    )
    for cause in fills.causes:
        lines.append(
            f"  {cause.cause.name.lower()}: {cause.orders} orders ({cause.share:.1%}), "
            f"{cause.cost_bp:+.2f} bp, {cause.lots:+d} lots: {cause.cause.value}"
        )
    for reason, count in certificate.not_replayed.items():
        lines.append(f"  not replayed: {count} × {reason}")
    return "\n".join(lines) + "\n"


def _run_document(run: RunParity) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "plugin": run.plugin,
        "version": run.version,
        "plugin_digest": run.plugin_digest,
        "started_at_ns": run.started_at_ns,
        "inputs": run.inputs,
        "decisions": run.decisions.decisions,
        "equal": run.decisions.equal,
        "differences": [
            {
                "input": each.number,
                "recorded": _told(each.recorded),
                "replayed": _told(each.replayed),
            }
            for each in run.decisions.differences
        ],
        "notes": list(run.notes),
    }


def _told(wanted: Sequence[object] | None) -> str:
    return "nothing" if not wanted else "; ".join(str(each) for each in wanted)[:500]


def _share(equal: int, count: int) -> str:
    return f"{equal:,} of {count:,} ({equal / count:.2%})" if count else "nothing to compare"


def _moment(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M")
