"""The words of scripts about levels and disclosures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from xached.domain.compliance_messages import (
    AcceptDisclosure,
    CloseAccount,
    LevelLimits,
    PublishDisclosure,
    RetireDisclosure,
    SetAccountLevel,
    SetLevelLimits,
)
from xached.domain.exchange import Exchange
from xached.domain.instrument import AssetName
from xached.domain.messages import Command
from xached.domain.money import parse_decimal
from xached.domain.order import AccountId


class Told(Protocol):
    """The script whose exchange is told."""

    @property
    def exchange(self) -> Exchange: ...


def compliance_command(script: Told, verb: str, words: Sequence[str]) -> Callable[[], Command]:
    match verb, words:
        case "levels", words:
            lines = [line.split() for line in " ".join(words).split("|") if line.strip()]
            limits = tuple(_limits(script, level, line) for level, line in enumerate(lines))
            return lambda: SetLevelLimits(limits=limits, request_id="")
        case "level", [account, level]:
            return lambda: SetAccountLevel(
                account_id=AccountId(account), level=int(level), cause="script", request_id=""
            )
        case "disclose", [name, *text]:
            return lambda: PublishDisclosure(
                name=name, title=name, text=" ".join(text), request_id=""
            )
        case "retire", [name]:
            return lambda: RetireDisclosure(name=name, cause="script", request_id="")
        case "accept", [account, name, version]:
            return lambda: AcceptDisclosure(
                account_id=AccountId(account), name=name, version=int(version), request_id=""
            )
        case "close", [account, *forfeit]:
            return lambda: CloseAccount(
                account_id=AccountId(account), forfeit=forfeit == ["forfeit"], request_id=""
            )
        case _:
            raise AssertionError(f"no such line: {verb}")


def _limits(script: Told, level: int, words: Sequence[str]) -> LevelLimits:
    """``DEPOSIT/TRADE ASSET ...``."""
    deposit: list[tuple[AssetName, int]] = []
    trade: list[tuple[AssetName, int]] = []
    for amounts, asset in sorted(zip(words[::2], words[1::2], strict=True), key=lambda p: p[1]):
        listed = script.exchange.state.assets.get(AssetName(asset))
        scale = listed.scale if listed is not None else 0
        most, _, notional = amounts.replace("_", "").partition("/")
        deposit.append((AssetName(asset), parse_decimal(most, scale)))
        trade.append((AssetName(asset), parse_decimal(notional, scale)))
    return LevelLimits(
        level=level, deposit_units=tuple(deposit), trade_units=tuple(trade), withdraw_units=()
    )
