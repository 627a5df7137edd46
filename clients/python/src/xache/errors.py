"""What can go wrong between a client and the house.

::

    XacheError
    ├── Refused        the house said no; nothing changed: read ``reason`` and ``facts``
    ├── NotSignedIn    no session, or it has ended: sign in
    ├── Unreachable    no answer: a request that changes something may or may not have been done
    └── Incident       a bug of the house: its message carries the incident id to report
"""

from __future__ import annotations

from collections.abc import Mapping


class XacheError(Exception):
    """A call did not end well.

    Args:
        code: name of the gRPC status, "FAILED_PRECONDITION".
        reason: name of the rule, stable for programs, "INSUFFICIENT_FUNDS"; empty when the
            house did not say.
        message: for people.
        facts: what was ``given``, what is ``allowed``, the ``nearest`` allowed value, as text.
        retry_after_s: when trying again may help; None when the house did not say.
    """

    def __init__(
        self,
        code: str,
        reason: str,
        message: str,
        facts: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{reason or code}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.facts: Mapping[str, str] = dict(facts or {})
        self.retry_after_s = retry_after_s


class Refused(XacheError):  # noqa: N818 - an answer, not an error of the program
    """The house said no, and nothing changed. The caller is at fault."""


class NotSignedIn(XacheError):  # noqa: N818 - named for what is the matter
    """The credentials are missing, wrong or no longer valid."""


class Unreachable(XacheError):  # noqa: N818 - named for what is the matter
    """The house gave no answer in time. Whether it did what was asked is not known."""


class Incident(XacheError):  # noqa: N818 - named for what is the matter
    """The house has a bug: the message names the incident, or what does not fit."""
