"""What is secret is typed unseen, or comes from the environment or a pipe; never an argument."""

from __future__ import annotations

import getpass
import os
import sys

from xache.client import Client
from xache.exits import Exit

CODE_VARIABLE = "XACHE_CODE"
PASSWORD_VARIABLE = "XACHE_PASSWORD"  # noqa: S105 - the name of a variable
NEW_PASSWORD_VARIABLE = "XACHE_NEW_PASSWORD"  # noqa: S105 - the name of a variable
FACTOR_CODE_VARIABLE = "XACHE_FACTOR_CODE"
"""A code of the second factor where one from a letter is asked for too."""


def read_code(prompt: str = "Code: ", variable: str = CODE_VARIABLE) -> str:
    """A code of the second factor or from a letter, from wherever it comes."""
    code = os.environ.get(variable)
    if code:
        return code
    if not sys.stdin.isatty():
        sys.stderr.write(f"A code is asked for: set {variable}.\n")
        raise SystemExit(Exit.USAGE)
    return getpass.getpass(prompt)


def read_password(
    *,
    from_stdin: bool = False,
    again: bool = False,
    prompt: str = "Password: ",
    variable: str = PASSWORD_VARIABLE,
) -> str:
    """The password, from wherever it comes. It is never an argument: those are visible to all."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    given = os.environ.get(variable)
    if given:
        return given
    if not sys.stdin.isatty():
        sys.stderr.write(
            f"There is no terminal to ask for the password on: set {variable} or pass "
            "--password-stdin.\n"
        )
        raise SystemExit(Exit.USAGE)
    password = getpass.getpass(prompt)
    if again and getpass.getpass("Again: ") != password:
        sys.stderr.write("The two passwords differ; nothing was sent.\n")
        raise SystemExit(Exit.USAGE)
    return password


def read_new_password() -> str:
    """The password that is to be set, from wherever it comes; typed twice."""
    return read_password(again=True, prompt="New password: ", variable=NEW_PASSWORD_VARIABLE)


def fresh_proof(client: Client) -> dict[str, str]:
    """What proves afresh that it is you: a code of the second factor, else the password."""
    if client.auth.has_second_factor():
        return {"code": read_code()}
    return {"password": read_password()}
