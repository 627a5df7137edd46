"""The *models* job of a worker: the models of the house that a run may ask, each as of its time.

No plugin is in this process. What it reads is what training wrote, verified; what it gives goes to
the strategy's process, which sees nothing else of the registry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xache_sdk.shelf import write_shelf

from xached.research.models.registry import ModelRegistry, shelf_of
from xached.runtime.work_frames import Document

Progress = Callable[[float], None]


def models_job(request: Document, _progress: Progress) -> Document:
    """Do the job. Raises: RegistryError; ValueError for a name without a model of that time."""
    header = request.header
    registry = ModelRegistry(Path(header["folder"]))
    found: dict[str, dict[str, Any]] = {}
    blobs: dict[str, bytes] = {}
    for name in header["names"]:
        entries = registry.for_run(name, header["start_ns"], header["end_ns"])
        if not entries:
            raise ValueError(
                f"no model {name} was known before the end of the run, so none may be asked in it"
            )
        blobs[name] = write_shelf(shelf_of(entries)).encode()
        found[name] = {
            "interval": entries[-1].model.interval.value,
            "digest": hashlib.sha256(blobs[name]).hexdigest(),
        }
    return Document(header={"models": found}, blobs=blobs)
