"""A real daemon with a real mail server, and the ``xache`` command run against it."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from xache.cli import main

from tests.adapters.mail_server import MailServer, mail_server
from tests.clients.command import Ran
from tests.faults.house import HouseProcess, running

PASSWORD = "kettle-anchor-moss-77"
NEW_PASSWORD = "harbour-velvet-ladder-31"
LETTER_S_MAX = 20.0

_people = itertools.count(1)


@attrs.define
class RealHouse:
    """A daemon in a process of its own, and the mailbox of everybody."""

    process: HouseProcess
    mail: MailServer

    def letters(self, to: str, count: int = 1) -> list[str]:
        """Wait until somebody has so many letters; their texts, oldest first."""

        def found() -> list[str]:
            return [each.text for each in self.mail.letters if to in each.recipients]

        with self.mail.arrived:
            came = self.mail.arrived.wait_for(lambda: len(found()) >= count, LETTER_S_MAX)
        assert came, f"{len(found())} letters to {to}"
        return found()

    def code(self, to: str, count: int = 1) -> str:
        """The code in the newest letter to somebody."""
        (code,) = re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", self.letters(to, count)[-1])
        return str(code)

    def token(self, to: str, command: str, count: int = 1) -> str:
        """The token that the newest letter to somebody says to give to a command."""
        (token,) = re.findall(rf"xache {command} (\S+)", self.letters(to, count)[-1])
        return str(token)


@contextlib.contextmanager
def real_house(root: Path) -> Iterator[RealHouse]:
    """Run a daemon that confirms addresses, until the block is over."""
    with mail_server() as server:
        more = f"""
[mail]
host = "127.0.0.1"
port = {server.port}
protection = "none"
sender = "house@xache.example"
"""
        with running(root, more=more) as process:
            yield RealHouse(process, server)


@attrs.define
class Person:
    """Somebody at a terminal, with a home of their own."""

    house: RealHouse
    email: str
    home: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str, code: str = "", **environment: str) -> Ran:
        """Run a command; ``code`` is typed where one is asked for."""
        given = {"XACHE_PASSWORD": PASSWORD, "XACHE_CODE": code, **environment}
        with self.monkeypatch.context() as here:
            here.setenv("XDG_CONFIG_HOME", str(self.home))
            for name, value in given.items():
                here.setenv(name, value)
            ended: int | str | None
            try:
                ended = main([*arguments, "--target", self.house.process.target])
            except SystemExit as end:
                ended = end.code
        assert isinstance(ended, int)
        captured = self.capsys.readouterr()
        return Ran(ended, captured.out, captured.err)

    def done(self, *arguments: str, code: str = "", **environment: str) -> str:
        """Run a command that must end well; what it printed."""
        ran = self.run(*arguments, code=code, **environment)
        assert ran.code == 0, ran
        return ran.out


Join = Callable[[], Person]


def joining(
    house: RealHouse,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Join:
    """Opens accounts by the command, with the code of the letter, and signs in."""

    def join() -> Person:
        number = next(_people)
        email = f"person{number}@people.example"
        person = Person(house, email, root / f"person{number}", monkeypatch, capsys)
        told = person.run("register", email, "--json").document
        person.done("confirm", told["confirmation_token"], code=house.code(email))
        person.done("login", email)
        return person

    return join
