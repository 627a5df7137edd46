"""Score one row by a LightGBM model in a few microseconds.

LightGBM's own library is called without its Python package, which would bring scipy along: the
library is found beside it (``pip install lightgbm``). The fast call keeps a configuration that
holds a lock on its model for as long as it lives, so contributions have a model of their own.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_FLOAT64: Final = 1
_RAW_SCORE: Final = 1
_CONTRIBUTIONS: Final = 3
_ALONE: Final = b"num_threads=1 verbosity=-1"


class TreesError(ValueError):
    """There is no LightGBM, or the text is none of its models."""


class Trees:
    """A model as LightGBM writes it (``model_to_string``), ready to score.

    Raises: TreesError.
    """

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self._score = _FastCall(self._text, _RAW_SCORE)
        self._contributions: _FastCall | None = None

    @property
    def features(self) -> int:
        """How many numbers a row has."""
        return self._score.columns

    def score(self, row: Sequence[float]) -> float:
        """The raw score of one row: log odds before calibration. NaN is a missing value.

        Raises: ValueError when the row has another length.
        """
        return self._score(row)[0]

    def contributions(self, row: Sequence[float]) -> list[float]:
        """What each feature adds to the score of a row (TreeSHAP), and last the score of no row.

        The sum is the score. Source: Lundberg and others, *From Local Explanations to Global
        Understanding with Explainable AI for Trees* (2020).
        """
        if self._contributions is None:
            self._contributions = _FastCall(self._text, _CONTRIBUTIONS)
        return self._contributions(row)


class _FastCall:
    """A model of its own with the configuration of one kind of prediction."""

    def __init__(self, text: bytes, kind: int) -> None:
        self._booster, self._config = ctypes.c_void_p(), ctypes.c_void_p()
        library = self._library = _load_library()
        columns, iterations = ctypes.c_int(), ctypes.c_int()
        self._call(
            library.LGBM_BoosterLoadModelFromString,
            text, ctypes.byref(iterations), ctypes.byref(self._booster),
        )  # fmt: skip
        self._call(library.LGBM_BoosterGetNumFeature, self._booster, ctypes.byref(columns))
        self.columns = columns.value
        self._call(
            library.LGBM_BoosterPredictForMatSingleRowFastInit,
            self._booster, kind, 0, -1, _FLOAT64, self.columns, _ALONE, ctypes.byref(self._config),
        )  # fmt: skip
        self._row = (ctypes.c_double * self.columns)()
        self._out = (ctypes.c_double * (self.columns + 1 if kind == _CONTRIBUTIONS else 1))()
        self._length = ctypes.c_int64()

    def __call__(self, row: Sequence[float]) -> list[float]:
        if len(row) != self.columns:
            raise ValueError(f"a row has {self.columns} numbers, not {len(row)}")
        self._row[:] = list(row)
        self._call(
            self._library.LGBM_BoosterPredictForMatSingleRowFast,
            self._config, self._row, ctypes.byref(self._length), self._out,
        )  # fmt: skip
        return list(self._out)

    def __del__(self) -> None:
        # The configuration first: it refers to the model.
        if self._config.value is not None:
            self._library.LGBM_FastConfigFree(self._config)
        if self._booster.value is not None:
            self._library.LGBM_BoosterFree(self._booster)

    def _call(self, function: ctypes._NamedFuncPointer, *arguments: object) -> None:
        if function(*arguments) != 0:
            raise TreesError(self._library.LGBM_GetLastError().decode(errors="replace"))


@functools.cache
def _load_library() -> ctypes.CDLL:
    found = importlib.util.find_spec("lightgbm")
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        for path in (Path(folder) / "lib").glob("lib_lightgbm.*"):
            library = ctypes.CDLL(str(path))
            library.LGBM_GetLastError.restype = ctypes.c_char_p
            return library
    raise TreesError("LightGBM is not installed: pip install lightgbm")
