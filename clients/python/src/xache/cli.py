"""The ``xache`` command: parsing only. Commands live in modules that are imported when used."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, Group, Parameter

from xache.exits import Exit

_SIGNING_IN = Group("Signing in", sort_key=1)
_MARKET = Group("The market", sort_key=2)
_PURSE = Group("Your purse", sort_key=3)
_RESEARCH = Group("Research, on this machine", sort_key=4)

# Given here, so that listing the commands imports none of them.
_COMMANDS = (
    (_SIGNING_IN, "register", "session:register", "Open an account and sign in."),
    (_SIGNING_IN, "confirm", "session:confirm", "Open the account whose address is yours."),
    (_SIGNING_IN, "login", "session:login", "Sign in."),
    (_SIGNING_IN, "logout", "session:logout", "End the session, at once and everywhere."),
    (_SIGNING_IN, "whoami", "session:whoami", "Tell who is signed in, and which purses there are."),
    (_SIGNING_IN, "sessions", "session:sessions", "List where you are signed in, and end it."),
    (_SIGNING_IN, "password", "password:password", "Set another password, knowing the old one."),
    (_SIGNING_IN, "recover", "password:recover", "Set a new password with a code from a letter."),
    (_SIGNING_IN, "resend", "password:resend", "Have another code sent."),
    (_SIGNING_IN, "factor", "factor:app", "Guard your account with an authenticator."),
    (_SIGNING_IN, "guards", "guards:app", "Say where calls may come from; see what waits a day."),
    (_SIGNING_IN, "unfreeze", "guards:unfreeze", "Let a frozen account act again, a day later."),
    (_SIGNING_IN, "freeze", "session:freeze", "Freeze your account at once."),
    (_SIGNING_IN, "profile", "profile:app", "Show and change your preferences."),
    (_SIGNING_IN, "activity", "activity:activity", "Tell what happened to your account."),
    (_SIGNING_IN, "email", "email:app", "Prove or change your e-mail address."),
    (_SIGNING_IN, "keys", "keys:app", "Make, list and end API keys."),
    (_SIGNING_IN, "limits", "compliance:limits", "Show what your level allows on a day."),
    (_SIGNING_IN, "kyc", "kyc:app", "Apply for a level, and upload papers."),
    (_SIGNING_IN, "export", "leaving:export", "Write all that the house knows of you to a file."),
    (_SIGNING_IN, "erase", "leaving:erase", "Ask to be erased, or take that back."),
    (_SIGNING_IN, "disclosures", "compliance:disclosures", "Show what to accept before trading."),
    (_SIGNING_IN, "accept", "compliance:accept", "Accept a disclosure that you have read."),
    (_MARKET, "markets", "market:markets", "List the markets, their prices and rules."),
    (_MARKET, "book", "market:book", "Show a book, once or live."),
    (_MARKET, "trades", "market:trades", "Show recent trades, and new ones live."),
    (_MARKET, "candles", "market:candles", "Draw candles."),
    (_MARKET, "indicators", "indicator:indicators", "List the indicators and their settings."),
    (_MARKET, "indicator", "indicator:indicator", "Compute an indicator over candles."),
    (_MARKET, "signals", "signal:signals", "Show what the signals of the house say."),
    (_MARKET, "auction", "auction:auction", "Follow at what price a market would open."),
    (_MARKET, "top", "top:top", "Show it all on one screen, as it happens."),
    (_PURSE, "order", "order:app", "Place, change, cancel and look up orders."),
    (_PURSE, "explain", "explain:explain", "Tell why an order was placed, and on what."),
    (_PURSE, "balances", "purse:balances", "Show balances, and which order holds how much."),
    (_PURSE, "positions", "purse:positions", "Show positions, what they cost and are worth."),
    (_PURSE, "portfolio", "funds:portfolio", "Show what a purse is worth, and how that changed."),
    (_PURSE, "performance", "performance:performance", "Show how a worth moved, and its return."),
    (_PURSE, "fills", "purse:fills", "List fills, newest first."),
    (_PURSE, "transactions", "purse:transactions", "List what moved in and out, newest first."),
    (_PURSE, "transfer", "funds:transfer", "Move money between your purses."),
    (_PURSE, "subaccount", "funds:subaccount", "Open and list sub-accounts."),
    (_PURSE, "statement", "leaving:statement", "Write your trades of a period to a CSV file."),
    (_PURSE, "fees", "funds:fees", "Show your fee tier and what you were charged."),
    (_PURSE, "rule", "rule:app", "Rules of your own: when this, then that."),
    (_PURSE, "watch", "purse:watch", "Follow what happens to the purse."),
    (_RESEARCH, "strategy", "strategy:app", "Strategies of your own: write, run, stop."),
    (_RESEARCH, "data", "research:data", "Import, list, check and export market history."),
    (_RESEARCH, "backtest", "research:backtest", "Run a strategy over market history."),
    (_RESEARCH, "backtests", "backtests:app", "Run a strategy in the house; see what came of it."),
    (_RESEARCH, "model", "model_status:app", "Train models, and say honestly what they are worth."),
)

_NAMES = {name for _, name, _, _ in _COMMANDS}

_VALUE_OPTIONS = {"--target", "--ca", "--patience", "--subaccount", "--key"}
_FLAGS = {"--json", "--tls", "--plaintext"}
"""Options of the commands that may stand before the command too."""

_EPILOGUE = """\
Every command of a house takes --target HOST:PORT and --json; "xache COMMAND --help" tells more.

Exit codes: 0 done · 1 refused · 2 usage · 3 not signed in · 4 no answer · 5 a bug of the house.

Environment: XACHE_TARGET, XACHE_PASSWORD, XACHE_NEW_PASSWORD, XACHE_CODE, XACHE_FACTOR_CODE,
XACHE_SUBACCOUNT, XACHE_CA, XACHE_KEY, NO_COLOR.
"""


def _version() -> str:
    from importlib.metadata import version  # Read only when asked for: it scans the disk.

    return version("xache-client")


app = App(
    name="xache",
    help="Trade at a XACHE house from the terminal.",
    help_epilogue=_EPILOGUE,
    help_format="rst",  # Paragraphs are as wide as the terminal.
    # Most defaults are "nothing" or "no"; those that say something are shown.
    default_parameter=Parameter(show_default=False),
    version=_version,
    # Streams end well on Ctrl-C; main says what it means for the others.
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
for _group, _name, _where, _help in _COMMANDS:
    app.command(f"xache.commands.{_where}", name=_name, help=_help, group=_group)
app.register_install_completion_command(help="Install completion for this shell.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. Usage errors and refusals raise SystemExit with theirs."""
    asked = _command_first(sys.argv[1:] if arguments is None else arguments)
    if asked and asked[0] in _NAMES and {"--help", "-h"} & set(asked) and not _is_group(asked[0]):
        app[asked[0]].help = None  # The one line is for the list; alone it tells all it has to say.
    # The library under gRPC writes remarks of its own; errors come all the same.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        app(asked)
        sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        for note in getattr(interrupt, "__notes__", ["interrupted"]):
            sys.stderr.write(f"\n{note}\n")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read along, as in `| head`, has seen enough. Python flushes once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.OK


def _command_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with options that stand before the command moved behind it."""
    options, rest = _parted(arguments)
    if rest[:1] and _is_group(rest[0]):
        more, behind = _parted(rest[1:])
        options, rest = [*options, *more], [rest[0], *behind]
    if not rest or (len(rest) == 1 and _is_group(rest[0]) and not app[rest[0]].default_command):
        return rest  # What commands there are is the same for every house.
    moved = [*rest, *options]
    if moved[:1] == ["backtest"] and "--remote" in moved:
        # The same command, done by the house: what it takes is a command of its own.
        return ["backtests", "start", *(each for each in moved[1:] if each != "--remote")]
    return moved


def _parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options of every command that stand first, and what comes after them."""
    first = 0
    while first < len(arguments):
        name, given, _ = arguments[first].partition("=")
        if name in _VALUE_OPTIONS:
            first += 1 if given else 2
        elif name in _FLAGS:
            first += 1
        else:
            break
    return list(arguments[:first]), list(arguments[first:])


def _is_group(name: str) -> bool:
    """Whether a command has commands of its own."""
    return name in _NAMES and any(not each.startswith("-") for each in app[name])
