"""Sending what a firing decided, once: also when the last process stopped in the middle of it.

Each step has an id of its own for ever, and the exchange knows every id that was used up. What was
sent and not noted down is found there; what was not sent is sent, if it is not too late: an order
that somebody wanted an hour ago is no longer what they want. What only takes risk away is sent
however late it is. That holds however it came to wait: interrupted, or for its turn.

Nothing begins that its owner has paused or ended meanwhile. What has begun is carried through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import trio

from xached.actors.rules.surroundings import RuleSurroundings, TradingPlace
from xached.automation.answers import answered, refused
from xached.automation.rule import Firing, FiringState, Step, StepState
from xached.automation.schedule import NS_PER_S
from xached.domain.messages import PlaceOrder, Row, request_key
from xached.domain.order import account_of
from xached.domain.rejection import Rejection
from xached.runtime.mailbox import Expired, Overloaded

LATE_NS_MAX: Final = 60 * NS_PER_S
"""So long after it was decided an order may still be placed."""

BUSY_S_MAX: Final = 10.0
BUSY_RETRY_S: Final = 0.25


async def send_steps(
    firing: Firing, around: RuleSurroundings, *, resumed: bool, wanted: Callable[[], bool]
) -> Firing:
    """Send what waits; the firing with every answer. ``resumed``: it may have been sent before.

    ``wanted`` tells whether its owner still lets it begin. Raises: Closed, with nothing lost: the
    next process goes on.
    """
    if not firing.steps:
        return attrs.evolve(firing, state=outcome_of([]))
    place = around.place_of(firing.steps[0].command.purse)
    sending = _Sending(firing, place, around, resumed, wanted)
    steps: list[Step] = []
    for step in firing.steps:
        waits = step.state is StepState.WAITING
        steps.append(await sending.settle(step, begun=_begun(steps)) if waits else step)
    return attrs.evolve(firing, steps=tuple(steps), state=outcome_of(steps))


def outcome_of(steps: list[Step]) -> FiringState:
    """What became of a firing whose steps are all settled."""
    states = {step.state for step in steps}
    if StepState.ANSWERED in states:
        return FiringState.DONE
    return FiringState.LAPSED if StepState.LAPSED in states else FiringState.REFUSED


def _begun(steps: list[Step]) -> bool:
    return any(step.state in (StepState.ANSWERED, StepState.REFUSED) for step in steps)


@attrs.frozen
class _Sending:
    """One firing on its way."""

    firing: Firing
    place: TradingPlace
    around: RuleSurroundings
    resumed: bool
    wanted: Callable[[], bool]

    async def settle(self, step: Step, *, begun: bool) -> Step:
        """The step with its answer. Raises: Closed."""
        around, place = self.around, self.place
        if self.resumed:
            row = await _find(step, place)
            if row is not None:
                return answered(step, row, place.directory, around.now_ns())
        account, tried = account_of(step.command.purse), False
        lapse = f"the exchange was too busy for {BUSY_S_MAX:.0f} s"
        with trio.move_on_after(BUSY_S_MAX):
            while True:
                # Nothing is awaited from here to the exchange's mailbox: what its owner is told
                # stays true.
                against = self._against(step, begun=begun)
                if against:
                    lapse = against
                    break
                tried = True
                try:
                    row = await place.exchange.execute(step.command, account=account)
                except Rejection as rejection:
                    return refused(step, rejection, around.now_ns())
                except (Overloaded, Expired):
                    await trio.sleep(BUSY_RETRY_S)
                else:
                    return answered(step, row, place.directory, around.now_ns())
        # Who gives up the wait does not know whether it was done.
        row = await _find(step, place) if tried else None
        if row is not None:
            return answered(step, row, place.directory, around.now_ns())
        return _lapsed(step, lapse, around)

    def _against(self, step: Step, *, begun: bool) -> str:
        """Why a step must not be sent any more; empty when it may."""
        if not begun and not self.wanted():
            return "its owner stopped the rule before it was sent"
        late_ns = self.around.now_ns() - self.firing.decided_at_ns
        if late_ns <= LATE_NS_MAX or not isinstance(step.command, PlaceOrder):
            return ""
        why = "interrupted before it was sent" if self.resumed else "it had to wait to be sent"
        return f"{why}, and {late_ns // NS_PER_S} s later it was too late"


async def _find(step: Step, place: TradingPlace) -> Row | None:
    """The row of a step that has been carried out. In the same mailbox, after all sent before."""
    key = request_key(step.command)
    assert key is not None, "every step has an id"
    while True:
        try:
            return await place.exchange.find_request(*key)
        except (Overloaded, Expired):
            await trio.sleep(BUSY_RETRY_S)


def _lapsed(step: Step, answer: str, around: RuleSurroundings) -> Step:
    return attrs.evolve(step, state=StepState.LAPSED, answer=answer, answered_at_ns=around.now_ns())
