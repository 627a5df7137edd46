"""The mailer: takes letters from the outbox and hands them to the mail server.

Expendable. A letter that is not known to be taken stays in the outbox and is tried again after a
growing pause, under the same Message-ID. A server that cannot be reached is a fault of the world:
health shows it, and nothing else waits for it.
"""

from __future__ import annotations

import math

import attrs
import trio
from loguru import logger

from xached.adapters.smtp import Envelope, MailDelayed, MailRefused, SmtpServer, submit
from xached.domain.identity import AuthMessage, AuthReply
from xached.domain.mail import (
    CollectMail,
    DelayMail,
    MailBatch,
    MailVerdict,
    OpenMail,
    SettleMail,
)
from xached.runtime.mailbox import Mailbox, Overloaded
from xached.runtime.world import World

BATCH_MAX = 20
ASK_AGAIN_S = 5.0
"""When the sessions actor has no room for our questions."""

_NS_PER_S = 1_000_000_000


class Bell:
    """Wakes the mailer. Ringing twice wakes it once."""

    def __init__(self) -> None:
        self._rung = trio.Event()

    def ring(self) -> None:
        """Say that there is a letter."""
        self._rung.set()

    async def wait(self) -> None:
        """Wait until it has rung since the last wait."""
        await self._rung.wait()
        self._rung = trio.Event()


@attrs.frozen(kw_only=True)
class MailerStatistics:
    """What the mailer has done since the daemon started."""

    delivered: int
    refused: int
    delayed: int
    unreachable: bool
    """The last try did not get a letter to the server."""


class Mailer:
    """Sends what is in the outbox."""

    def __init__(
        self,
        server: SmtpServer,
        sender_name: str,
        sender: str,
        sessions: Mailbox[AuthMessage, AuthReply],
        world: World,
        bell: Bell,
    ) -> None:
        self._server = server
        self._sender_name = sender_name
        self._sender = sender
        self._sessions = sessions
        self._world = world
        self._bell = bell
        self._delivered = self._refused = self._delayed = 0
        self._unreachable = False

    def statistics(self) -> MailerStatistics:
        """Tell what became of letters."""
        return MailerStatistics(
            delivered=self._delivered,
            refused=self._refused,
            delayed=self._delayed,
            unreachable=self._unreachable,
        )

    async def run(self) -> None:
        """Send for ever."""
        while True:
            try:
                pause_s = await self._round()
            except Overloaded:
                pause_s = ASK_AGAIN_S
            with trio.move_on_after(pause_s):
                await self._bell.wait()

    async def _round(self) -> float:
        """Send what is due; how long there is nothing to do, if nobody rings, in seconds."""
        batch = await self._sessions.ask(CollectMail(limit=BATCH_MAX))
        assert isinstance(batch, MailBatch)
        for letter in batch.letters:
            await self._send(letter)
        if len(batch.letters) == BATCH_MAX:
            return 0
        if batch.next_due_at_ns is None:
            # What was delayed just now is due again after a while.
            return ASK_AGAIN_S if self._unreachable else math.inf
        return max(0.0, (batch.next_due_at_ns - self._world.now_ns()) / _NS_PER_S)

    async def _send(self, letter: OpenMail) -> None:
        envelope = Envelope(
            message_id=letter.mail_id,
            sender_name=self._sender_name,
            sender=self._sender,
            recipient=letter.recipient,
            subject=letter.subject,
            text=letter.text,
            at_ns=letter.created_at_ns,
        )
        try:
            await submit(self._world, self._server, envelope)
        except MailDelayed as delay:
            if not self._unreachable:
                logger.warning("mail waits: {}", delay)
            self._unreachable = True
            self._delayed += 1
            await self._sessions.ask(DelayMail(mail_id=letter.mail_id))
            return
        except MailRefused as refusal:
            logger.warning("letter {} was refused: {}", letter.mail_id, refusal)
            self._refused += 1
            verdict = MailVerdict.REFUSED
        else:
            self._delivered += 1
            self._unreachable = False
            verdict = MailVerdict.DELIVERED
        await self._sessions.ask(SettleMail(mail_id=letter.mail_id, verdict=verdict))
