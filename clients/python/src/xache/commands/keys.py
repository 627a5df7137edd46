"""API keys: make, list and end them, and tell what one can do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.types import PositiveInt
from nacl.signing import SigningKey

from xache.commands.options import NO_OPTIONS, Options, usage
from xache.commands.prompts import fresh_proof
from xache.output import json_value, moment, word
from xache.signing import ED25519, KeyFile
from xache.v1 import account_pb2, options_pb2

_SCOPES = ("read", "trade", "withdraw")
NS_PER_DAY = 86_400 * 1_000_000_000

app = App(name="keys", help="Make, list and end API keys.", result_action="return_value")


@app.command
def create(
    label: str,
    /,
    *,
    out: Path,
    scopes: Annotated[str, Parameter(show_default=True)] = "read,trade",
    networks: str = "",
    symbols: str = "",
    caps: str = "",
    days: Annotated[PositiveInt, Parameter(show_default=True)] = 90,
    options: Options = NO_OPTIONS,
) -> None:
    """Make an Ed25519 key; its secret half is written to a file and never sent.

    The house asks for a fresh proof: the code of your authenticator, or your password where you
    have none.

    Args:
        label: a name for it.
        out: the file to write, with mode 0600; it must not exist.
        scopes: read, trade and withdraw, with commas. One that withdraws needs networks.
        networks: addresses it works from, with commas, as 192.0.2.7 or 192.0.2.0/24.
        symbols: markets it may trade, with commas; all when left out.
        caps: what its orders may be worth a day, with commas, as USDT=1000.
        days: how long it works; at most 366.
    """
    if out.exists():
        raise usage(f"{out} exists; nothing was done.")
    unknown = [name for name in _listed(scopes) if name not in _SCOPES]
    if unknown:
        raise usage(f"{unknown[0]} is no scope: {', '.join(_SCOPES)}.")
    signing = SigningKey.generate()
    request = account_pb2.CreateApiKeyRequest(
        label=label,
        algorithm=account_pb2.KEY_ALGORITHM_ED25519,
        public_key=bytes(signing.verify_key),
        terms=account_pb2.KeyTerms(
            scopes=[f"SCOPE_{name.upper()}" for name in _listed(scopes)],
            symbols=_listed(symbols),
            caps=[_cap(text) for text in _listed(caps)],
            networks=_listed(networks),
            expires_at_ns=time.time_ns() + days * NS_PER_DAY,
        ),
    )
    with options.connected() as (client, output):
        made = client.account.create_api_key(request, fresh_proof(client)).key
        KeyFile(key_id=made.key_id, scheme=ED25519, secret=bytes(signing)).save(out)
        if output.as_json:
            output.document(made)
            return
        output.line(("key made ", "bold green"), f"{made.key_id} in {out}")
        output.note(f"Use it: xache balances --key {out}")


@app.command(name="list")
def list_(*, options: Options = NO_OPTIONS) -> None:
    """List your keys."""
    with options.connected() as (client, output):
        keys = client.account.api_keys()
        if output.as_json:
            output.document({"keys": [json_value(key) for key in keys]})
            return
        for key in keys:
            scopes = ", ".join(word(options_pb2.Scope, scope) for scope in key.terms.scopes)
            output.facts(
                [
                    ("key", f"{key.key_id}  {key.label}"),
                    ("may", scopes),
                    ("from", ", ".join(key.terms.networks) or "anywhere"),
                    ("until", f"{moment(key.terms.expires_at_ns)} UTC"),
                ]
            )


@app.command
def revoke(key_id: str, /, *, options: Options = NO_OPTIONS) -> None:
    """End a key and its streams, at once.

    Args:
        key_id: as listed.
    """
    with options.connected() as (client, output):
        client.account.revoke_api_key(key_id)
        if output.as_json:
            output.document({})
            return
        output.line(("key ended ", "bold"), key_id)


@app.command
def can(*, options: Options = NO_OPTIONS) -> None:
    """Tell what the session, or the key of --key, may do now."""
    with options.connected() as (client, output):
        told = client.account.what_can_this_key_do()
        if output.as_json:
            output.document(told)
            return
        output.facts(
            [
                ("key", told.key_id or "none: a session"),
                ("may", ", ".join(word(options_pb2.Scope, scope) for scope in told.scopes)),
                ("from", told.address),
                ("until", f"{moment(told.expires_at_ns)} UTC"),
            ]
        )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _cap(text: str) -> account_pb2.KeyCap:
    asset, _, amount = text.partition("=")
    if not amount:
        raise usage(f"{text} is no cap: write USDT=1000.")
    return account_pb2.KeyCap(asset=asset, notional_per_day=amount)
