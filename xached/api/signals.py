"""SignalService: how the models of the house stand, and what the signals of plugins say."""

from __future__ import annotations

from xache.v1 import signal_pb2

from xached.actors.signals import INTERVAL_TEXTS, ModelStatus, Signals
from xached.actors.strategies.signal_board import SignalBoard, SignalStatus
from xached.api.routes import Call
from xached.domain.rejection import Reason, Rejection


class SignalHandlers:
    """Handlers of SignalService, for every transport."""

    def __init__(self, signals: Signals, board: SignalBoard) -> None:
        self._signals = signals
        self._board = board

    async def list_signals(
        self, _call: Call, _request: signal_pb2.ListSignalsRequest
    ) -> signal_pb2.ListSignalsResponse:
        """List what signals say."""
        return signal_pb2.ListSignalsResponse(signals=map(_signal, self._board.statuses()))

    async def list_models(
        self, _call: Call, _request: signal_pb2.ListModelsRequest
    ) -> signal_pb2.ListModelsResponse:
        """List what is trained."""
        return signal_pb2.ListModelsResponse(models=map(_message, self._signals.statuses()))

    async def train_model(
        self, _call: Call, request: signal_pb2.TrainModelRequest
    ) -> signal_pb2.TrainModelResponse:
        """Have a model trained before its time. Raises: Rejection."""
        if not self._signals.knows(request.name):
            known = ", ".join(each.plan.name for each in self._signals.statuses())
            raise Rejection(
                Reason.UNKNOWN_MODEL,
                "the house trains no such model",
                field="name",
                given=request.name,
                allowed=known or "none is configured",
            )
        self._signals.train_now(request.name)
        return signal_pb2.TrainModelResponse()


def _signal(status: SignalStatus) -> signal_pb2.Signal:
    config = status.config
    return signal_pb2.Signal(
        name=config.name,
        plugin=config.plugin,
        version=status.version,
        digest=status.digest,
        symbols=config.symbols,
        running=status.running,
        runs=status.runs,
        values=[
            signal_pb2.SignalValue(
                name=each.name,
                value=each.value,
                confidence=each.confidence,
                as_of_ns=each.as_of_ns,
                expires_at_ns=each.expires_at_ns,
            )
            for each in status.values
        ],
        why=status.why,
    )


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
