"""The outbox: letters are put in by the areas, in their steps, and taken out by the mailer.

A house without mail has an outbox that takes nothing. What depends on a letter (a code) asks
``enabled`` first; a notice is for information and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

import attrs

from xached.actors.sessions.core import DeskCore, Step
from xached.domain.auth import Account, EmailAddress, UserKey
from xached.domain.letters import cancel_email_footer, freeze_footer
from xached.domain.mail import (
    OUTBOX_MAX,
    CollectMail,
    DelayMail,
    Letter,
    LetterKind,
    MailBatch,
    MailMessage,
    MailNoted,
    MailQueued,
    MailReply,
    MailSettled,
    MailVerdict,
    OpenMail,
    SettleMail,
    WaitingMail,
    retry_at_ns,
)
from xached.domain.order import AccountId
from xached.runtime.mailbox import Overloaded
from xached.security.sealing import KeyDestroyed
from xached.storage.vault_tables import OUTBOX


class Outbox:
    """Decides the messages about letters, and takes new ones.

    Args:
        ring: wakes the mailer; None in a house without mail.
    """

    def __init__(self, core: DeskCore, ring: Callable[[], None] | None) -> None:
        self._core = core
        self._ring = ring
        self._waiting: dict[str, WaitingMail] = {}
        self.dropped = 0
        """Notices that found the outbox full."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def enabled(self) -> bool:
        """Whether the house writes letters."""
        return self._ring is not None

    async def load(self) -> None:
        """Bring the letters back from the vault."""
        for mail in await self._core.lane.run(self._core.vault.every, OUTBOX):
            self._waiting[mail.mail_id] = mail

    def send(
        self, account_id: AccountId, recipient: EmailAddress, letter: Letter, step: Step
    ) -> None:
        """Put a letter in, with the rest of the step. ``account_id`` is empty for a stranger.

        Raises: Overloaded, nothing done.
        """
        if self._ring is None:
            return
        if len(self._waiting) >= OUTBOX_MAX:
            raise Overloaded("too many letters are waiting")
        mail = self._core.credentials.outbox.close(account_id, recipient, letter, step.at_ns)
        self._waiting[mail.mail_id] = mail
        step.put(mail)
        step.record(MailQueued(mail_id=mail.mail_id, account_id=account_id, kind=mail.kind))
        step.afterwards(self._ring)

    def notify(self, account: Account, keys: Iterable[UserKey], letter: Letter, step: Step) -> None:
        """Write to an account's address, if there is still one and there is room."""
        try:
            recipient = self._core.credentials.open_email(account, keys)
            if letter.kind in (LetterKind.SECURITY, LetterKind.EMAIL_CHANGE):
                token = self._core.credentials.freeze_tokens.make(account.account_id, step.at_ns)
                footer = freeze_footer(token)
                if letter.kind is LetterKind.EMAIL_CHANGE:
                    footer = cancel_email_footer(token) + footer
                letter = attrs.evolve(letter, text=letter.text + footer)
            self.send(account.account_id, recipient, letter, step)
        except KeyDestroyed:
            return
        except Overloaded:
            self.dropped += 1

    def forget(self, account_id: AccountId, step: Step) -> None:
        """Take out what is for an account that is being erased."""
        for mail in [each for each in self._waiting.values() if each.account_id == account_id]:
            self._settle(mail, MailVerdict.TOO_LATE, step)

    def renew(self, mail: WaitingMail, step: Step) -> None:
        """Seal a letter anew if it still waits and an older key has sealed it."""
        seal, mail_id = self._core.credentials.outbox, mail.mail_id
        waiting = self._waiting.get(mail_id)
        if waiting is not None and not seal.is_current(waiting.sealed):
            self._waiting[mail_id] = seal.renewed_mail(waiting)
            step.put(self._waiting[mail_id])

    async def decide(self, message: MailMessage, step: Step) -> MailReply:
        """Answer the mailer."""
        match message:
            case CollectMail():
                return self._collect(message.limit, step)
            case SettleMail():
                settled = self._waiting.get(message.mail_id)
                if settled is not None:
                    self._settle(settled, message.verdict, step)
                return MailNoted()
            case DelayMail():
                self._delay(message.mail_id, step)
                return MailNoted()
            case _:
                assert_never(message)

    def _collect(self, limit: int, step: Step) -> MailBatch:
        for mail in [each for each in self._waiting.values() if each.expires_at_ns <= step.at_ns]:
            self._settle(mail, MailVerdict.TOO_LATE, step)
        due: list[OpenMail] = []
        later_ns: int | None = None
        for mail in self._waiting.values():
            if mail.due_at_ns > step.at_ns or len(due) == limit:
                later_ns = min(later_ns or mail.due_at_ns, mail.due_at_ns)
            else:
                due.append(self._core.credentials.outbox.open(mail))
        return MailBatch(letters=tuple(due), next_due_at_ns=later_ns)

    def _settle(self, mail: WaitingMail, verdict: MailVerdict, step: Step) -> None:
        del self._waiting[mail.mail_id]
        step.drop(mail)
        step.record(MailSettled(mail_id=mail.mail_id, verdict=verdict))

    def _delay(self, mail_id: str, step: Step) -> None:
        mail = self._waiting.get(mail_id)
        if mail is None:
            return
        tries = mail.tries + 1
        mail = attrs.evolve(mail, tries=tries, due_at_ns=retry_at_ns(tries, step.at_ns))
        self._waiting[mail_id] = mail
        step.put(mail)
