"""The models that a house trains, and how they stand."""

from __future__ import annotations

from xache.connection import Connection
from xache.rpc import rpc
from xache.v1 import signal_pb2 as pb

_MODELS = rpc(pb.ListModelsRequest, pb.ListModelsResponse, repeatable=True)
_TRAIN = rpc(pb.TrainModelRequest, pb.TrainModelResponse, repeatable=True)


class Signals:
    """What the house forecasts by."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def models(self) -> list[pb.Model]:
        """Every model of the house: which is in force, and what came of the last training."""
        return list(self._connection.call(_MODELS, pb.ListModelsRequest()).models)

    def train(self, name: str) -> None:
        """Have a model trained before its time; operators and administrators may."""
        self._connection.call(_TRAIN, pb.TrainModelRequest(name=name))
