"""The e-mail address of the account: proving it, and changing it."""

from __future__ import annotations

import sys

from cyclopts import App

from xache.commands.options import NO_OPTIONS, Options
from xache.commands.prompts import fresh_proof, read_code
from xache.output import moment
from xache.v1 import account_pb2

app = App(name="email", help="Prove or change your e-mail address.", result_action="return_value")


@app.command
def verify(*, options: Options = NO_OPTIONS) -> None:
    """Prove that the account's own address is yours: a letter with a code is sent, and asked for.

    Without a terminal, XACHE_CODE is not there yet: "xache email verified TOKEN" takes the code.
    """
    with options.connected() as (client, output):
        begun = client.account.start_email_verification()
        if output.as_json:
            output.document(begun)
            return
        output.line(("a letter with a code is on its way", "bold"))
        if not sys.stdin.isatty():
            output.note(f"Finish with: xache email verified {begun.verification_token}")
            return
        client.account.confirm_email(begun.verification_token, read_code())
        output.line(("verified", "bold green"))


@app.command
def verified(token: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Finish "xache email verify" with the code from the letter, asked for or from XACHE_CODE.

    Args:
        token: as "xache email verify" told it.
    """
    with options.connected() as (client, output):
        client.account.confirm_email(token, read_code())
        if output.as_json:
            output.document({})
            return
        output.line(("verified", "bold green"))


@app.command
def change(email: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Have another address sent a code, and the old one told.

    The house asks for a fresh proof: the code of your authenticator, or your password where you
    have none.

    Args:
        email: the new address.
    """
    with options.connected() as (client, output):
        begun = client.account.start_email_change(email, fresh_proof(client))
        if output.as_json:
            output.document(begun)
            return
        output.line(("a letter with a code is on its way ", "bold"), f"to {email}")
        output.note(f"Finish with: xache email confirm {begun.change_token}")


@app.command
def confirm(token: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Prove that the new address is yours, with the code from the letter.

    The code is asked for, or read from XACHE_CODE. The old address stays the account's for a day
    more, in which the change can be taken back.

    Args:
        token: as "xache email change" told it.
    """
    with options.connected() as (client, output):
        due_at_ns = client.account.confirm_email_change(token, read_code())
        if output.as_json:
            output.document({"due_at_ns": str(due_at_ns)})
            return
        output.line(("confirmed ", "bold green"), f"it is made at {moment(due_at_ns)} UTC")
        output.note("Until then the old address signs in, and stops it: xache email cancel")


@app.command
def cancel(token: str = "", /, *, options: Options = NO_OPTIONS) -> None:
    """Take a change of the address back.

    Args:
        token: from the letter to the old address; without it, of the account that is signed in.
    """
    with options.connected() as (client, output):
        if token:
            client.account.cancel_email_change(token)
        else:
            client.account.cancel_delayed_change(account_pb2.DELAYED_KIND_EMAIL)
        if output.as_json:
            output.document({})
            return
        output.line(("taken back ", "bold green"), "the address stays as it is")
