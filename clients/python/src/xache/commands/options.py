"""What every command can be told: which house, how to reach it, and how to answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Group, Parameter

from xache.client import DEFAULT_TARGET, Client
from xache.connection import Tls
from xache.errors import Incident, NotSignedIn, Unreachable, XacheError
from xache.exits import Exit
from xache.output import Output
from xache.tokens import FileTokens, TokenFileError

_CONNECTION = Group("Connection and output", sort_key=100)


@Parameter(name="*", group=_CONNECTION)
@attrs.frozen(kw_only=True)
class Options:
    """How to reach a house, and how to answer."""

    target: Annotated[str, Parameter(env_var="XACHE_TARGET")] = DEFAULT_TARGET
    """The house: HOST:PORT."""
    json: Annotated[bool, Parameter(negative="")] = False
    """Answer in JSON: one document, or a line for each message of a stream."""
    tls: Annotated[bool, Parameter(negative="")] = False
    """Use TLS to this machine too; to any other it is always used."""
    ca: Annotated[Path | None, Parameter(env_var="XACHE_CA")] = None
    """Certificates to trust, as a PEM file; implies TLS."""
    plaintext: Annotated[bool, Parameter(negative="")] = False
    """No TLS to another machine: the tokens travel in clear."""

    @contextlib.contextmanager
    def connected(self) -> Iterator[tuple[Client, Output]]:
        """A client and a place for its answers. Failures end the program with their code."""
        output = Output(as_json=self.json)
        try:
            with self._client(output) as client:
                yield client, output
        except NotSignedIn as error:
            if error.reason in {"NOT_SIGNED_IN", "SESSION_ENDED", "TOKEN_EXPIRED"}:
                error.add_note("Sign in with: xache login EMAIL")
            output.failure(error, "not signed in")
            raise SystemExit(Exit.NOT_SIGNED_IN) from None
        except Unreachable as error:
            output.failure(error, f"no answer from {self.target}")
            raise SystemExit(Exit.UNREACHABLE) from None
        except Incident as error:
            output.failure(error, "the house has a bug")
            raise SystemExit(Exit.INCIDENT) from None
        except XacheError as error:
            output.failure(error, "refused")
            raise SystemExit(Exit.REFUSED) from None
        except TokenFileError as error:
            output.failure(XacheError("", "TOKEN_FILE", str(error)), "not signed in")
            raise SystemExit(Exit.NOT_SIGNED_IN) from None

    def _client(self, output: Output) -> Client:
        def say(error: XacheError, wait_s: float) -> None:
            output.note(f"{self.target}: {error.message}; trying again in {wait_s:.1f} s")

        tls = None
        if self.ca is not None:
            tls = Tls(ca_pem=self.ca.read_bytes())
        elif self.tls:
            tls = Tls()
        return Client(
            self.target,
            tokens=FileTokens(self.target),
            tls=tls,
            plaintext=self.plaintext,
            on_wait=say,
        )


@Parameter(name="*", group=_CONNECTION)
@attrs.frozen(kw_only=True)
class PurseOptions(Options):
    """Options of commands that are about one purse."""

    subaccount: Annotated[str, Parameter(env_var="XACHE_SUBACCOUNT")] = ""
    """The purse; main when left out."""


NO_OPTIONS = Options()
NO_PURSE_OPTIONS = PurseOptions()
