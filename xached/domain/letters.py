"""What the house writes to people: plain text, short, and no secret but the one it is for."""

from __future__ import annotations

from typing import assert_never

from xached.domain.guarding import DelayedKind
from xached.domain.mail import CODE_AGE_NS_MAX, Letter, LetterKind

_NOT_YOU = "If that was not you, sign in, change your password, and end all other sessions."
_PAGE = "Or enter what follows the command on the page /stop of the house.\n"


def confirm_address(code: str) -> Letter:
    """The code that confirms an address."""
    return Letter(
        kind=LetterKind.CONFIRM,
        subject="Your XACHE code",
        text=(
            f"{code}\n\n"
            "Enter this code where you were asked for it. It works once, for one hour.\n"
            "If you did not ask for it, somebody mistyped their address: do nothing.\n"
        ),
        age_ns_max=CODE_AGE_NS_MAX,
    )


def already_registered() -> Letter:
    """Somebody who has an account wanted to open one, or somebody else tried their address."""
    return Letter(
        kind=LetterKind.ALREADY_REGISTERED,
        subject="You have a XACHE account",
        text=(
            "Somebody asked for an account, or for a change to one, with this address. There is\n"
            "an account with it already, and it was not changed.\n"
            "If it was you: sign in, or set a new password if you have lost yours.\n"
            "If it was not: nothing happened, and you need do nothing.\n"
        ),
        age_ns_max=CODE_AGE_NS_MAX,
    )


def recover(code: str) -> Letter:
    """The code that sets a new password."""
    return Letter(
        kind=LetterKind.RECOVER,
        subject="Your XACHE code for a new password",
        text=(
            f"{code}\n\n"
            "Enter this code to set a new password. It works once, for one hour. Never give it\n"
            "to anybody: nobody of the house will ask for it.\n"
            "If you did not ask for it, do nothing; your password is unchanged.\n"
        ),
        age_ns_max=CODE_AGE_NS_MAX,
    )


def password_changed() -> Letter:
    """The password is another one."""
    return _security("The password of your account was changed, and its other sessions ended.")


def factor_on() -> Letter:
    """The second factor counts."""
    return _security("The second factor of your account was turned on.")


def factor_off() -> Letter:
    """The second factor does not count any more."""
    return _security("The second factor of your account was turned off.")


def recovery_codes_renewed() -> Letter:
    """The recovery codes are others."""
    return _security("Your recovery codes were made anew; the old ones do not work any more.")


def recovery_code_used(left: int) -> Letter:
    """A recovery code stood in for the authenticator."""
    return _security(f"A recovery code of your account was used. You have {left} left.")


def change_asked(kind: DelayedKind) -> Letter:
    """A change that weakens the account was asked for."""
    match kind:
        case DelayedKind.UNFREEZE:
            what = "Your account is frozen. Somebody asked to let it act again"
        case DelayedKind.ALLOW_LIST:
            what = "Somebody asked to let calls for your account come from more addresses"
        case DelayedKind.SECOND_FACTOR:
            what = "Somebody asked to turn the second factor of your account off"
        case DelayedKind.EMAIL:
            return _email_change(
                "Another e-mail address was confirmed for your account. It takes the place of "
                "this one\nin 24 hours, unless you stop it."
            )
        case _:
            assert_never(kind)
    return _security(f"{what}; it is done in 24 hours unless you take it back or freeze it.")


def erasure_asked() -> Letter:
    """The account is to be erased."""
    return _security(
        "Somebody who is signed in asked to close your account for ever and to erase what is known "
        "of you.\nIt is done in 14 days. Until then you can take it back; a freeze takes it back "
        "too."
    )


def email_change_begun() -> Letter:
    """Another address is named, and has been sent a code."""
    return _email_change(
        "Somebody who is signed in asked to make another e-mail address that of your account.\n"
        "That address was sent a code; once it is entered, the change is made 24 hours later."
    )


def email_changed() -> Letter:
    """To the old address: it is not the account's any more."""
    return _security(
        "Your account has another e-mail address now: this is the last letter to this one."
    )


def email_is_this() -> Letter:
    """To the new address."""
    return _security("This is the e-mail address of your account now. Sign in with it.")


def email_is_taken() -> Letter:
    """To the old address, which stays: the other one has an account by now."""
    return _security("The e-mail address of your account was not changed: there was an obstacle.")


def cancel_email_footer(token: str) -> str:
    """How to stop a change of the address without signing in."""
    return f"\nTo stop it, without signing in: xache email cancel {token}\n{_PAGE}"


def freeze_footer(token: str) -> str:
    """How to freeze an account without signing in."""
    return f"\nTo freeze the account at once, without signing in: xache freeze {token}\n{_PAGE}"


def _email_change(what: str) -> Letter:
    return Letter(
        kind=LetterKind.EMAIL_CHANGE,
        subject="The e-mail address of your XACHE account",
        text=f"{what}\n\n{_NOT_YOU}\n",
    )


def _security(what: str) -> Letter:
    return Letter(
        kind=LetterKind.SECURITY,
        subject="Your XACHE account",
        text=f"{what}\n\n{_NOT_YOU}\n",
    )
