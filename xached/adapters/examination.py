"""Ask a plugin what it is, and try whether it looks ahead, in a sealed process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import attrs
from xache_sdk.seal import Layer

from xached.adapters.work import WorkFailed, WorkLimits, do_work, work_command
from xached.domain.plugins import InstalledPlugin, LookAhead
from xached.runtime.work_frames import Document
from xached.runtime.world import World

LIMITS: Final = WorkLimits(memory_bytes=2 << 30, cpu_s=120, wall_s=180.0, answer_bytes=256 * 1024)
ABOUT_LENGTH_MAX: Final = 500
WHY_LENGTH_MAX: Final = 500


@attrs.frozen(kw_only=True)
class Examination:
    """What came of it. ``look_ahead`` is None for one that cheats, or that was not tried."""

    about: str
    settings_schema: str
    look_ahead: LookAhead | None
    why: str


async def examine(
    world: World,
    plugin: InstalledPlugin,
    *,
    check: bool,
    settings: Mapping[str, Any],
    sandbox_min: frozenset[Layer],
) -> Examination:
    """Examine a plugin. With ``check`` it is tried with these settings.

    Raises: WorkFailed when it cannot be imported, raises, takes too much, or answers nonsense;
        OSError when no process can be started.
    """
    answer = await do_work(
        world,
        work_command("examine", LIMITS, strategy=plugin.entry_point),
        Document(
            header={
                "entry_point": plugin.entry_point,
                "kind": plugin.group.kind,
                "settings": settings,
                "check": check,
            }
        ),
        limits=LIMITS,
        sandbox_min=sandbox_min,
        progress=lambda _ppm: None,
    )
    return _read(answer.header)


def _read(found: Mapping[str, Any]) -> Examination:
    """Read what the process says, which is not trusted."""
    try:
        about, schema = found["about"], found["settings_schema"]
        tried = found.get("look_ahead", {"state": "", "why": ""})
        state, why = tried["state"], tried["why"]
        if not (isinstance(about, str) and isinstance(schema, dict) and isinstance(why, str)):
            raise TypeError("texts and a schema are expected")
        look_ahead = LookAhead(state) if state not in ("", "FAILED") else None
    except (KeyError, TypeError, ValueError) as error:
        raise WorkFailed("PROTOCOL", f"its answer is none: {error}") from None
    return Examination(
        about=_shown(about, ABOUT_LENGTH_MAX),
        settings_schema=json.dumps(schema, sort_keys=True),
        look_ahead=look_ahead,
        why=_shown(why, WHY_LENGTH_MAX),
    )


def _shown(text: str, length: int) -> str:
    """Text that begins no line and moves no cursor."""
    return "".join(each if each.isprintable() else "?" for each in text[:length])
