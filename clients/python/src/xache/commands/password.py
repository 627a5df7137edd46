"""Passwords: setting another one, and a new one when it is lost."""

from __future__ import annotations

import sys

from xache.client import Client
from xache.commands.options import NO_OPTIONS, Options, usage
from xache.commands.prompts import (
    FACTOR_CODE_VARIABLE,
    read_code,
    read_new_password,
    read_password,
)
from xache.errors import Refused


def password(*, options: Options = NO_OPTIONS) -> None:
    """Set another password; the sessions of other devices end.

    Both are asked for, or read from XACHE_PASSWORD and XACHE_NEW_PASSWORD.
    """
    old, new = read_password(prompt="Old password: "), read_new_password()
    with options.connected() as (client, output):
        client.auth.change_password(old, new)
        if output.as_json:
            output.document({})
            return
        output.line(("password changed ", "bold green"), "your other sessions have ended")


def recover(email: str = "", /, *, token: str = "", options: Options = NO_OPTIONS) -> None:
    """Set a new password with a code that is sent to your address; all sessions end.

    Where you have an authenticator, its code is asked for too. Without a terminal the codes come
    from XACHE_CODE (the letter) and XACHE_FACTOR_CODE, the password from XACHE_NEW_PASSWORD, and
    the second step is a command of its own, with --token.

    Args:
        email: as registered; a letter is sent there.
        token: finish what was begun before, as "xache recover" told it.
    """
    if bool(email) == bool(token):
        raise usage("Give your address to begin, or --token to finish.")
    with options.connected() as (client, output):
        if email:
            begun = client.auth.start_recovery(email)
            if output.as_json:
                output.document(begun)
                return
            output.line(("a letter with a code is on its way ", "bold"), f"to {email}")
            output.note("The answer is the same if there is no account with this address.")
            token = begun.recovery_token
            if not sys.stdin.isatty():
                output.note(f"Finish with: xache recover --token {token}")
                return
        _finish(client, token)
        if output.as_json:
            output.document({})
            return
        output.line(("password changed ", "bold green"), "all sessions have ended")
        output.note("Sign in with: xache login EMAIL")


def resend(token: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Have another code sent, for a registration, a recovery or an address; the old one is void.

    Args:
        token: as the command that sent the first one told it.
    """
    with options.connected() as (client, output):
        client.auth.resend_code(token)
        if output.as_json:
            output.document({})
            return
        output.line(("another letter is on its way", "bold"))


def _finish(client: Client, token: str) -> None:
    code, new = read_code("Code from the letter: "), read_new_password()
    try:
        client.auth.finish_recovery(token, code, new)
    except Refused as refusal:
        if refusal.reason != "SECOND_FACTOR_NEEDED":
            raise
        second = read_code("Code of your authenticator: ", FACTOR_CODE_VARIABLE)
        client.auth.finish_recovery(token, code, new, second)
