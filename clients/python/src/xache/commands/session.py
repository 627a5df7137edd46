"""Signing up, in and out. Passwords are typed unseen, or come from the environment or a pipe."""

from __future__ import annotations

import contextlib
import sys

from xache.client import Client
from xache.commands.options import NO_OPTIONS, Flag, Options
from xache.commands.prompts import read_code, read_password
from xache.errors import XacheError
from xache.output import Output, json_value, moment, word
from xache.v1 import auth_pb2, options_pb2


def register(
    email: str,
    /,
    *,
    login: bool = True,
    password_stdin: Flag = False,
    options: Options = NO_OPTIONS,
) -> None:
    """Open an account and sign in.

    The password is asked for, or read from XACHE_PASSWORD, or from standard input. A house that
    confirms addresses sends a code first, which is asked for; without a terminal,
    "xache confirm" takes it.

    Args:
        email: where the house may write to.
        login: sign in at once.
        password_stdin: read the password from the first line of standard input.
    """
    password = read_password(from_stdin=password_stdin, again=True)
    with options.connected() as (client, output):
        opened = client.auth.register(email, password)
        account_id, token = opened.account_id, opened.confirmation_token
        if token and output.as_json:
            output.document(opened)
            return
        if token:
            output.line(("a letter with a code is on its way ", "bold"), f"to {email}")
            if not sys.stdin.isatty():
                output.note(f"Finish with: xache confirm {token}")
                return
            account_id = client.auth.confirm_registration(token, read_code()).account_id
        if login:
            _replace_session(client, email, password, "")
        if output.as_json:
            output.document(opened)
            return
        output.line(("account opened ", "bold green"), account_id)
        if login:
            _say_signed_in(client, output, email, options.target)


def confirm(token: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Open the account whose address is yours: with the code from the letter.

    The code is asked for, or read from XACHE_CODE.

    Args:
        token: as "xache register" told it.
    """
    with options.connected() as (client, output):
        opened = client.auth.confirm_registration(token, read_code())
        if output.as_json:
            output.document(opened)
            return
        output.line(("account opened ", "bold green"), opened.account_id)
        output.note("Sign in with: xache login EMAIL")


def login(
    email: str,
    /,
    *,
    device: str = "",
    password_stdin: Flag = False,
    options: Options = NO_OPTIONS,
) -> None:
    """Sign in. The tokens are kept in a file that only you can read.

    The password is asked for, or read from XACHE_PASSWORD, or from standard input.

    Args:
        email: as registered.
        device: a name for the list of sessions.
        password_stdin: read the password from the first line of standard input.
    """
    password = read_password(from_stdin=password_stdin, again=False)
    with options.connected() as (client, output):
        answer = _replace_session(client, email, password, device)
        if output.as_json:
            # Its tokens stay out: what is printed ends up in logs.
            output.document({"account_id": answer.account_id, "session_id": answer.session_id})
            return
        _say_signed_in(client, output, email, options.target)


def logout(*, options: Options = NO_OPTIONS) -> None:
    """End the session, at once and everywhere."""
    with options.connected() as (client, output):
        client.auth.logout()
        if output.as_json:
            output.document({})
            return
        output.line(("signed out ", "bold"), f"of {options.target}")


def freeze(token: str = "", /, *, options: Options = NO_OPTIONS) -> None:
    """Freeze your account at once: no trading, no changes, every session ended.

    Args:
        token: from a letter of the house; without it, the account that is signed in.
    """
    with options.connected() as (client, output):
        client.account.freeze(token)
        if output.as_json:
            output.document({})
            return
        output.line(("account frozen ", "bold red"), "every session has ended")


def whoami(*, options: Options = NO_OPTIONS) -> None:
    """Tell who is signed in, and which purses there are."""
    with options.connected() as (client, output):
        account = client.account.get()
        subaccounts = client.account.subaccounts()
        if output.as_json:
            document = json_value(account)
            document["subaccounts"] = [json_value(each) for each in subaccounts]
            output.document(document)
            return
        output.facts(
            [
                ("e-mail", account.email),
                ("account", account.account_id),
                ("roles", ", ".join(word(options_pb2.Role, role) for role in account.roles)),
                ("since", f"{moment(account.created_at_ns)} UTC"),
                ("house", options.target),
            ]
        )
        for purse in subaccounts:
            marks = [
                mark
                for mark, holds in (("frozen", purse.frozen), ("simulated", purse.simulated))
                if holds
            ]
            output.facts([("purse", f"{purse.name}  {', '.join(marks)}".rstrip())])


def sessions(*, end: str = "", end_others: Flag = False, options: Options = NO_OPTIONS) -> None:
    """List where you are signed in, and end it.

    Args:
        end: end this session first.
        end_others: end all sessions but this one first.
    """
    with options.connected() as (client, output):
        if end:
            client.auth.revoke_session(end)
        if end_others:
            client.auth.revoke_other_sessions()
        listed = client.auth.sessions()
        if output.as_json:
            output.document({"sessions": [json_value(each) for each in listed]})
            return
        output.table(
            ["session", "device", "place", "since (UTC)", "last used (UTC)", ""],
            [
                (
                    each.session_id,
                    each.device,
                    each.place,
                    moment(each.created_at_ns),
                    moment(each.refreshed_at_ns),
                    "this one" if each.current else "",
                )
                for each in listed
            ],
        )


def _replace_session(
    client: Client, email: str, password: str, device: str
) -> auth_pb2.LoginResponse:
    """Sign in; end the session that was carried before, which nobody could end afterwards."""
    if client.credentials is None:
        return _login(client, email, password, device)
    old_session_id = client.credentials.session_id
    old_account_id = client.credentials.account_id
    answer = _login(client, email, password, device)
    if answer.account_id == old_account_id:
        # It may have ended long ago.
        with contextlib.suppress(XacheError):
            client.auth.revoke_session(old_session_id)
    return answer


def _login(client: Client, email: str, password: str, device: str) -> auth_pb2.LoginResponse:
    """Sign in, with a code of the second factor where there is one."""
    answer = client.auth.login(email, password, device)
    if not answer.second_factor_token:
        return answer
    return client.auth.complete_login(answer.second_factor_token, read_code())


def _say_signed_in(client: Client, output: Output, email: str, target: str) -> None:
    credentials = client.credentials
    assert credentials is not None
    output.line(("signed in ", "bold green"), f"to {target} as {email}")
    output.note(
        f"The session lasts until {moment(credentials.refresh_expires_at_ns)} UTC; "
        "using it makes it last longer."
    )
