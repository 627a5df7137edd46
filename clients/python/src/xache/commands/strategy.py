"""Strategies of one's own: write one, run it on paper, let it live.

They run beside the house, not here; the SDK is no dependency of the client.
"""

from __future__ import annotations

import importlib
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.text import Text

from xache.commands.options import NO_OPTIONS, Options, usage
from xache.exits import Exit
from xache.output import Cell, Output, json_value, moment, word
from xache.v1 import strategy_pb2

app = App(
    name="strategy", help="Strategies of your own: write, run, stop.", result_action="return_value"
)


@app.command
def new(name: str, /, *, into: Path = Path(), kind: str = "strategy") -> None:
    """Write an installable package with a strategy, its settings and a passing test.

    Args:
        name: of the strategy, such as buy-the-dip.
        into: the directory to write it below; the current one when left out.
        kind: strategy; or another plugin: signal, feed, notifier.
    """
    try:
        scaffold = importlib.import_module("xache_sdk.scaffold")
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"the SDK is not installed ({error.name} is missing): pip install xache-sdk\n"
        )
        raise SystemExit(Exit.USAGE) from None
    try:
        root = scaffold.write_plugin(name, into, kind)
    except (scaffold.ScaffoldRefused, OSError) as refusal:
        sys.stderr.write(f"{refusal}\n")
        raise SystemExit(Exit.USAGE) from None
    sys.stdout.write(f"wrote {root}\ntest it: cd {root} && pip install -e '.[test]' && pytest\n")


@app.command
def create(
    name: str,
    plugin: str,
    /,
    *,
    symbol: Annotated[list[str], Parameter(negative="")],
    budget: str,
    asset: str = "USDT",
    loss_limit: str,
    settings: str = "{}",
    settings_file: Path | None = None,
    options: Options = NO_OPTIONS,
) -> None:
    """Keep a strategy as a draft: a plugin, its settings, its budget.

    xache strategy create cross sma --symbol BTC-USDT --budget 1000 --loss-limit 100

    Args:
        name: what to call it.
        plugin: an installed strategy that the house has approved.
        symbol: a market that it may see and trade; give several by repeating it.
        budget: how much it is given when it goes live, and on paper.
        asset: what the budget is of; all its markets are quoted in it.
        loss_limit: how much of the budget it may lose in a day, and from its highest profit.
        settings: its settings, a JSON object.
        settings_file: a file with them instead.
    """
    if settings_file is not None:
        settings = _read(settings_file)
    request = strategy_pb2.CreateStrategyRequest(
        name=name,
        plugin=plugin,
        symbols=[each.upper() for each in symbol],
        settings_json=settings,
        budget_asset=asset.upper(),
        budget=budget,
        loss_limit=loss_limit,
    )
    with options.connected() as (client, output):
        _show(output, client.strategies.create(request))
        if not output.as_json:
            output.note(f"It does nothing until you start it: xache strategy start {name}")


@app.command
def update(
    name: str,
    /,
    *,
    settings: str = "",
    settings_file: Path | None = None,
    budget: str = "",
    loss_limit: str = "",
    options: Options = NO_OPTIONS,
) -> None:
    """Change a strategy that is paused or stopped; what is left out stays.

    It begins anew on paper, and what was known of it before does not count. One that is live
    stays so, and only its limit of loss can be changed.

    Args:
        name: the strategy.
        settings: its settings from now on, a JSON object.
        settings_file: a file with them instead.
        budget: how much it is given from now on.
        loss_limit: how much of the budget it may lose in a day, and from its highest profit.
    """
    if settings_file is not None:
        settings = _read(settings_file)
    if not (settings or budget or loss_limit):
        raise usage("nothing to change: give --settings, --budget or --loss-limit")
    with options.connected() as (client, output):
        request = strategy_pb2.UpdateStrategyRequest(
            name=name,
            expected_version=client.strategies.get(name).version,
            settings_json=settings,
            budget=budget,
            loss_limit=loss_limit,
        )
        _show(output, client.strategies.update(request))


def _read(settings_file: Path) -> str:
    try:
        return settings_file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{settings_file}: {error}") from None


@app.command
def plugins(*, options: Options = NO_OPTIONS) -> None:
    """List the plugins that the house has approved, with their settings."""
    with options.connected() as (client, output):
        found = client.strategies.plugins()
        if output.as_json:
            output.document({"plugins": [json_value(each) for each in found]})
            return
        if not found:
            output.note("The house has approved no plugin yet.")
        for each in found:
            output.line((each.name, "bold"), f"  {each.version}  {each.about}")
            for setting, schema in json.loads(each.settings_schema_json)["properties"].items():
                default = schema.get("default", "needed")
                output.line(f"  {setting:20}  {default}  {schema.get('description', '')}".rstrip())


@app.command(name="list")
def list_(
    *,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    options: Options = NO_OPTIONS,
) -> None:
    """List your strategies, oldest first, and those that the house runs in your sub-accounts.

    Args:
        every: those that are revoked too.
    """
    with options.connected() as (client, output):
        listed = client.strategies.listed()
        revoked = strategy_pb2.STRATEGY_STAGE_REVOKED
        found = [each for each in listed.strategies if every or each.stage != revoked]
        operated = listed.operated
        if output.as_json:
            output.document(
                {
                    "strategies": [json_value(each) for each in found],
                    "operated": [json_value(each) for each in operated],
                }
            )
            return
        if found:
            heads = ["name", "plugin", "markets", ">budget", "stage", "wanted", "now", "said last"]
            output.table(heads, [_row(each) for each in found])
        else:
            output.note("None of your own. Make one with: xache strategy create")
        if operated:
            output.note("Run by the house in your sub-accounts:")
            heads = ["name", "plugin", "markets", "sub-account", "now", "said last"]
            output.table(heads, [_operated_row(each) for each in operated])


@app.command
def show(name: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Show how a strategy stands, and what it lacks to go live."""
    with options.connected() as (client, output):
        _show(output, client.strategies.get(name))


@app.command
def start(name: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Run a strategy on paper, with as much play money as its budget."""
    with options.connected() as (client, output):
        _show(output, client.strategies.start(name))


@app.command
def live(
    name: str,
    /,
    *,
    acknowledge: str = "",
    options: Options = NO_OPTIONS,
) -> None:
    """Let a strategy that was on paper trade its budget, taken from your main purse.

    Evidence is a backtest in the house (xache backtests start) of the same plugin and settings on
    its markets, charged all that trading costs. A free one is none, nor is one that ran elsewhere.

    Args:
        name: the strategy.
        acknowledge: the sentence that is asked for without evidence that it earns, typed exactly.
    """
    with options.connected() as (client, output):
        _show(output, client.strategies.go_live(name, acknowledge))


@app.command
def pause(name: str, /, *, options: Options = NO_OPTIONS) -> None:
    """End the process of a strategy and cancel its orders; its purse stays as it is."""
    with options.connected() as (client, output):
        _show(output, client.strategies.pause(name))


@app.command
def resume(name: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Go on with a strategy that is paused."""
    with options.connected() as (client, output):
        _show(output, client.strategies.resume(name))


@app.command
def stop(name: str, /, *, options: Options = NO_OPTIONS) -> None:
    """End a strategy; one that is live gives back what it has."""
    with options.connected() as (client, output):
        _show(output, client.strategies.stop(name))


@app.command
def revoke(name: str, /, *, options: Options = NO_OPTIONS) -> None:
    """End a strategy for ever; what it has goes back to your main purse."""
    with options.connected() as (client, output):
        _show(output, client.strategies.revoke(name))


@app.command
def performance(
    name: str,
    /,
    *,
    daily: Annotated[bool, Parameter(negative="")] = False,
    options: Options = NO_OPTIONS,
) -> None:
    """Tell how a strategy has done: return, drawdown, hits, slippage, fees, turnover.

    Args:
        name: the strategy.
        daily: day by day too (UTC), the newest 1,000; what is not known of a day is left out.
    """
    with options.connected() as (client, output):
        stages = client.strategies.performance(name)
        if output.as_json:
            output.document({"stages": [json_value(each) for each in stages]})
            return
        if not stages:
            output.note("It has never run.")
            return
        heads = [
            "stage", ">days", ">profit", ">return", ">drawdown", ">hits", ">fills", ">turnover",
            ">fees", ">slippage",
        ]  # fmt: skip
        output.table(heads, [_measured(each) for each in stages])
        if daily:
            output.line("")
            heads = [
                "day (UTC)", "stage", ">equity", ">profit", ">drawdown", ">fills", ">turnover",
                ">fees",
            ]  # fmt: skip
            output.table(heads, [_day(how, each) for how in stages for each in how.daily])


@app.command
def parity(name: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Tell whether a strategy decides the same when it is told the same, night by night.

    And how many of its orders were filled as the declared model says, with the causes of the rest.
    """
    with options.connected() as (client, output):
        found = client.strategies.parity(name)
        if output.as_json:
            output.document({"certificates": [json_value(each) for each in found]})
            return
        if not found:
            output.note("It was never judged: the house does so by night, where it records.")
            return
        heads = [
            "until (UTC)", "stage", "holds", ">decisions again", ">filled as modelled", ">cost bp",
            "because of",
        ]  # fmt: skip
        output.table(heads, [_judged(each) for each in found])
        for each in found[0].notes:
            output.note(each)


def _judged(certificate: strategy_pb2.ParityCertificate) -> list[Cell]:
    kind = strategy_pb2.ParityCauseKind
    causes = [f"{word(kind, each.cause)} {each.cost_bp:+.2f}" for each in certificate.causes]
    return [
        moment(certificate.to_at_ns),
        _stage(certificate.stage),
        "yes" if certificate.holds else Text("no", "red"),
        f"{certificate.decisions_equal} of {certificate.decisions}",
        f"{certificate.orders_equal} of {certificate.orders}",
        f"{certificate.cost_bp:+.2f}",
        ", ".join(causes) or "–",
    ]


def _measured(how: strategy_pb2.StrategyPerformance) -> list[Cell]:
    return [
        _stage(how.stage),
        str(how.days),
        how.profit,
        _percent(how.return_ratio),
        _percent(how.drawdown_ratio),
        _percent(how.hit_ratio),
        str(how.fills),
        how.turnover,
        how.fees,
        _percent(how.slippage_ratio),
    ]


def _day(how: strategy_pb2.StrategyPerformance, day: strategy_pb2.StrategyDay) -> list[Cell]:
    return [
        moment(day.begin_at_ns)[:10],
        _stage(how.stage),
        day.equity or "–",
        day.profit or "–",
        _percent(day.drawdown_ratio),
        str(day.fills) if day.HasField("fills") else "–",
        day.turnover or "–",
        day.fees or "–",
    ]


def _percent(ratio: str) -> str:
    return f"{Decimal(ratio) * 100:.2f} %" if ratio else "–"


def _row(strategy: strategy_pb2.Strategy) -> list[Cell]:
    return [
        strategy.name,
        strategy.plugin,
        " ".join(strategy.symbols),
        f"{strategy.budget} {strategy.budget_asset}",
        _stage(strategy.stage),
        _wish(strategy.wish),
        _now(strategy),
        strategy.last_note or "–",
    ]


def _operated_row(strategy: strategy_pb2.OperatedStrategy) -> list[Cell]:
    return [
        strategy.name,
        strategy.plugin,
        " ".join(strategy.symbols) or "all",
        strategy.subaccount,
        "running" if strategy.ready else "not running",
        strategy.last_note or strategy.advice or "–",
    ]


def _show(output: Output, strategy: strategy_pb2.Strategy) -> None:
    if output.as_json:
        output.document(json_value(strategy))
        return
    asset = strategy.budget_asset
    rows: list[tuple[str, Cell]] = [
        ("strategy", strategy.name),
        ("plugin", strategy.plugin),
        ("markets", " ".join(strategy.symbols)),
        ("budget", f"{strategy.budget} {asset}"),
        ("may lose", f"{strategy.loss_limit} {asset}"),
        ("stage", _stage(strategy.stage)),
        ("wanted", _wish(strategy.wish)),
        ("now", _now(strategy)),
        ("purse", strategy.subaccount),
        ("days on paper", str(strategy.paper_days)),
        ("deflated Sharpe", strategy.deflated_sharpe or "not enough data"),
        ("lacks", strategy.lacking or "nothing"),
        ("made (UTC)", moment(strategy.created_at_ns)),
        ("version", str(strategy.version)),
    ]
    if strategy.acknowledged:
        rows.append(("acknowledged", strategy.acknowledged))
    output.facts(rows)


def _stage(stage: strategy_pb2.StrategyStage) -> Cell:
    text = word(strategy_pb2.StrategyStage, stage)
    return Text(text, "bold green") if stage == strategy_pb2.STRATEGY_STAGE_LIVE else text


def _wish(wish: strategy_pb2.StrategyWish) -> Cell:
    return word(strategy_pb2.StrategyWish, wish)


def _now(strategy: strategy_pb2.Strategy) -> Cell:
    if strategy.ready:
        return f"runs, {strategy.open_orders} orders open"
    if strategy.failure:
        return Text(strategy.failure, "red")
    return "does not run"
