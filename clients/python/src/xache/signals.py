"""The models that a house trains, and what the signals that it runs say."""

from __future__ import annotations

from xache.connection import Connection
from xache.rpc import rpc
from xache.v1 import signal_pb2 as pb

_MODELS = rpc(pb.ListModelsRequest, pb.ListModelsResponse, repeatable=True)
_SIGNALS = rpc(pb.ListSignalsRequest, pb.ListSignalsResponse, repeatable=True)
_TRAIN = rpc(pb.TrainModelRequest, pb.TrainModelResponse, repeatable=True)


class Signals:
    """What the house forecasts by."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def models(self) -> list[pb.Model]:
        """Every model of the house: which is in force, and what came of the last training."""
        return list(self._connection.call(_MODELS, pb.ListModelsRequest()).models)

    def signals(self) -> list[pb.Signal]:
        """Every signal of the house: what it says, as of when, and why it says nothing."""
        return list(self._connection.call(_SIGNALS, pb.ListSignalsRequest()).signals)

    def train(self, name: str) -> None:
        """Have a model trained before its time; operators and administrators may."""
        self._connection.call(_TRAIN, pb.TrainModelRequest(name=name))
