"""The second factor: an authenticator, and recovery codes on paper."""

from __future__ import annotations

import io
import sys

import segno
from cyclopts import App

from xache.commands.options import NO_OPTIONS, Options
from xache.commands.prompts import fresh_proof, read_code
from xache.output import Output, moment
from xache.v1 import auth_pb2

app = App(
    name="factor", help="Guard your account with an authenticator.", result_action="return_value"
)


@app.default
def status(*, options: Options = NO_OPTIONS) -> None:
    """Tell whether an authenticator guards the account, and how many recovery codes are left."""
    with options.connected() as (client, output):
        told = client.auth.second_factor()
        if output.as_json:
            output.document(told)
            return
        output.facts(
            [
                ("second factor", "on" if told.active else "off"),
                ("recovery codes left", str(told.recovery_codes_left)),
            ]
        )


@app.command(name="on")
def turn_on(*, options: Options = NO_OPTIONS) -> None:
    """Begin: a QR code to scan, then a first code to confirm it. Other sessions end.

    The password is asked for, or read from XACHE_PASSWORD. Without a terminal, finish with
    "xache factor confirm".
    """
    with options.connected() as (client, output):
        begun = client.auth.enrol_second_factor(fresh_proof(client))
        if output.as_json:
            output.document(begun)
            return
        _draw(output, begun)
        if not sys.stdin.isatty():
            output.note("Finish with: xache factor confirm")
            return
        _show_codes(output, client.auth.confirm_second_factor(read_code("First code: ")))


@app.command
def confirm(*, options: Options = NO_OPTIONS) -> None:
    """Finish "xache factor on" with a first code, asked for or from XACHE_CODE."""
    with options.connected() as (client, output):
        codes = client.auth.confirm_second_factor(read_code("First code: "))
        if output.as_json:
            output.document({"recovery_codes": codes})
            return
        _show_codes(output, codes)


@app.command(name="off")
def turn_off(*, options: Options = NO_OPTIONS) -> None:
    """Turn it off with a code, or a recovery code; asked for or from XACHE_CODE.

    It is done a day later: see xache guards, which can take it back.
    """
    with options.connected() as (client, output):
        due_at_ns = client.auth.disable_second_factor(read_code())
        if output.as_json:
            output.document({"due_at_ns": due_at_ns})
            return
        output.line(("second factor off ", "bold"), f"from {moment(due_at_ns)} UTC on")


@app.command
def codes(*, options: Options = NO_OPTIONS) -> None:
    """Make other recovery codes, with a code asked for or from XACHE_CODE; the old are void."""
    with options.connected() as (client, output):
        made = client.auth.renew_recovery_codes(read_code())
        if output.as_json:
            output.document({"recovery_codes": made})
            return
        _show_codes(output, made)


def _draw(output: Output, begun: auth_pb2.EnrolSecondFactorResponse) -> None:
    drawn = io.StringIO()
    segno.make(begun.otpauth_uri, error="l").terminal(out=drawn, border=2, compact=True)
    output.line(drawn.getvalue())
    output.line("Scan it with your authenticator, or type: ", (begun.secret, "bold"))


def _show_codes(output: Output, made: list[str]) -> None:
    output.line(("second factor on", "bold green"))
    output.line("Keep these on paper; each stands in for one code, and they are not shown again:")
    for code in made:
        output.line(f"  {code}")
