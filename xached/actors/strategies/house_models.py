"""Strategies that trade a model of the house: they get the one in force, and no more than it may.

A setting ``models = "house:NAME"`` stands for the model of that name that is in force when a run
begins. Without one there is no run: it waits. When another takes its place the run ends in good
order and the next one begins with that. While the model only advises, the host refuses what would
buy and cancels what is bought for, and lets everything through that sells: the strategy's own word
is not relied on.
"""

from __future__ import annotations

import json
from typing import Any, Final, Protocol

import attrs

from xached.domain.house_models import SETTING, house_model

REPLACED: Final = "a newer model is in force"


class HouseModel(Protocol):
    """A model in force. ``advice``: why it only advises; empty while it may trade."""

    @property
    def digest(self) -> str:
        """Of everything it says."""
        ...

    @property
    def advice(self) -> str:
        """Why it only advises; empty while it may trade."""
        ...

    @property
    def shelf(self) -> str:
        """As a strategy takes it."""
        ...


class Models(Protocol):
    """What the house trains."""

    def knows(self, name: str) -> bool:
        """Whether anything of the name is trained at all."""
        ...

    def in_force(self, name: str) -> HouseModel | None:
        """The newest model of a name; None while there is none."""
        ...

    async def wait_changed(self) -> None:
        """Wait until anything is known anew."""
        ...


class NoModels:
    """A house that trains nothing."""

    def knows(self, _name: str) -> bool:
        """See Models."""
        return False

    def in_force(self, _name: str) -> HouseModel | None:
        """See Models."""
        return None

    async def wait_changed(self) -> None:
        """See Models."""
        raise AssertionError("nobody waits for a model that nobody trains")


NO_MODELS: Final = NoModels()


def model_name(settings_json: str) -> str:
    """Which model of the house settings ask for; empty for none."""
    return house_model(_settings(settings_json).get(SETTING))


def with_model(settings_json: str, model: HouseModel) -> str:
    """Settings with the model itself in the place of its name."""
    return json.dumps({**_settings(settings_json), SETTING: model.shelf})


@attrs.frozen
class TradedModel:
    """The model of one run, and what it may do now."""

    models: Models
    name: str
    digest: str

    @property
    def replaced(self) -> bool:
        """Whether another one is in force."""
        found = self.models.in_force(self.name)
        return found is not None and found.digest != self.digest

    @property
    def advice(self) -> str:
        """Why it may not buy; empty while it may. What is not known may not."""
        found = self.models.in_force(self.name)
        if found is None:
            return "there is no model"
        return found.advice if found.digest == self.digest else REPLACED


def _settings(settings_json: str) -> dict[str, Any]:
    try:
        found = json.loads(settings_json)
    except ValueError:
        return {}  # The strategy's process says what is wrong with them.
    return found if isinstance(found, dict) else {}
