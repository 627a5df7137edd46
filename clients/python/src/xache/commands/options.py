"""What every command can be told: which house, how to reach it, and how to answer."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from typing import Annotated, TypeAlias

import attrs
from cyclopts import Group, Parameter
from cyclopts.types import ExistingFile, NonNegativeFloat
from cyclopts.validators import Number
from rich.console import Console
from rich.text import Text

from xache.client import DEFAULT_TARGET, Client
from xache.connection import OnWait, Patience, Tls, check_target
from xache.errors import Incident, NotSignedIn, Unreachable, XacheError
from xache.exits import Exit
from xache.output import Output
from xache.signing import KeyFile, KeyFileError
from xache.tokens import FileTokens, TokenFileError

Flag: TypeAlias = Annotated[bool, Parameter(negative="")]
"""An option that is only ever turned on."""

Count: TypeAlias = Annotated[
    int, Parameter(show_default=True, validator=Number(gte=1, lte=1_000_000))
]
"""How many, at least one; more than a million is a slip of the hand."""

SAY_AGAIN_S = 10.0
"""How often a command says that it goes on trying."""

_CONNECTION = Group("Connection and output", sort_key=100)


def _check_target(_hint: object, target: str) -> None:
    check_target(target)


@Parameter(name="*", group=_CONNECTION)
@attrs.frozen(kw_only=True)
class Options:
    """How to reach a house, and how to answer."""

    target: Annotated[
        str, Parameter(env_var="XACHE_TARGET", show_default=True, validator=_check_target)
    ] = DEFAULT_TARGET
    """The house: HOST:PORT."""
    json: Flag = False
    """Answer in JSON: one document, or a line for each message of a stream."""
    tls: Flag = False
    """Use TLS to this machine too; to any other it is always used."""
    ca: Annotated[ExistingFile | None, Parameter(env_var="XACHE_CA")] = None
    """Certificates to trust, as a PEM file; implies TLS."""
    key: Annotated[ExistingFile | None, Parameter(env_var="XACHE_KEY")] = None
    """Sign requests with this API key file instead of carrying a session."""
    plaintext: Flag = False
    """No TLS to another machine: the tokens travel in clear."""
    patience: NonNegativeFloat | None = None
    """Seconds to go on trying without an answer [default: a few; for streams 60]."""

    @contextlib.contextmanager
    def connected(self, on_wait: OnWait | None = None) -> Iterator[tuple[Client, Output]]:
        """A client and a place for its answers. Failures end the program with their code.

        ``on_wait`` is told before a call is tried again; else a note now and then says so.
        """
        output = Output(as_json=self.json)
        try:
            with self._client(on_wait or self._noting(output)) as client:
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
        except KeyFileError as error:
            output.failure(XacheError("", "KEY_FILE", str(error)), "not signed in")
            raise SystemExit(Exit.NOT_SIGNED_IN) from None
        except TokenFileError as error:
            output.failure(XacheError("", "TOKEN_FILE", str(error)), "not signed in")
            raise SystemExit(Exit.NOT_SIGNED_IN) from None

    def _noting(self, output: Output) -> OnWait:
        said_s = -math.inf

        def say(error: XacheError, _wait_s: float) -> None:
            nonlocal said_s
            if time.monotonic() - said_s >= SAY_AGAIN_S:
                said_s = time.monotonic()
                output.note(f"No answer from {self.target} ({error.message}); trying again …")

        return say

    def _client(self, on_wait: OnWait) -> Client:
        patience = Patience()
        if self.patience is not None:
            patience = Patience(total_s=self.patience, reopen_s_max=self.patience)
        tls = None
        if self.ca is not None:
            tls = Tls(ca_pem=self.ca.read_bytes())
        elif self.tls:
            tls = Tls()
        return Client(
            self.target,
            tokens=FileTokens(self.target),
            key=KeyFile.load(self.key) if self.key is not None else None,
            tls=tls,
            plaintext=self.plaintext,
            patience=patience,
            on_wait=on_wait,
        )


@Parameter(name="*", group=_CONNECTION)
@attrs.frozen(kw_only=True)
class PurseOptions(Options):
    """Options of commands that are about one purse."""

    subaccount: Annotated[str, Parameter(env_var="XACHE_SUBACCOUNT")] = ""
    """The purse; main when left out."""


NO_OPTIONS = Options()
NO_PURSE_OPTIONS = PurseOptions()


def usage(message: str) -> SystemExit:
    """A command line that makes no sense."""
    Console(stderr=True, highlight=False, markup=False).print(Text(message, "red"))
    return SystemExit(Exit.USAGE)
