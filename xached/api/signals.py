"""SignalService: how the models of the house stand."""

from __future__ import annotations

from xache.v1 import signal_pb2

from xached.actors.signals import INTERVAL_TEXTS, ModelStatus, Signals
from xached.api.routes import Call


class SignalHandlers:
    """Handlers of SignalService, for every transport."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    async def list_models(
        self, _call: Call, _request: signal_pb2.ListModelsRequest
    ) -> signal_pb2.ListModelsResponse:
        """List what is trained."""
        return signal_pb2.ListModelsResponse(models=map(_message, self._signals.statuses()))


def _message(status: ModelStatus) -> signal_pb2.Model:
    plan, attempt, held = status.plan, status.attempt, status.in_force
    return signal_pb2.Model(
        name=plan.name,
        symbol=plan.symbol,
        venue=plan.venue,
        interval=INTERVAL_TEXTS[plan.interval],
        others=plan.others,
        horizon=plan.horizon,
        schedule=plan.schedule.text,
        next_at_ns=status.next_at_ns or 0,
        training=status.training,
        in_force=None
        if held is None
        else signal_pb2.ModelInForce(
            digest=held.digest,
            registered_at_ns=held.registered_at_ns,
            labels_end_ns=held.labels_end_ns,
            fingerprint=held.fingerprint,
            may_trade=not held.advice,
            advice=held.advice,
            advice_since_ns=held.advice_since_ns,
            metrics=held.metrics,
        ),
        last_attempt=None
        if attempt is None
        else signal_pb2.TrainingAttempt(
            at_ns=attempt.at_ns, outcome=attempt.outcome, replaced=attempt.replaced
        ),
        fault=status.fault,
        registered=status.models,
    )
