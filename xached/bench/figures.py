"""Figures with their targets: how they are shown, kept, checked and compared.

A ratio compares two things measured in the same run, so it means the same on any machine; an
absolute figure is worth only as much as the machine was quiet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from rich.markup import escape
from rich.table import Table


class NoFigures(Exception):  # noqa: N818 - it says what is the matter
    """A file that was to be compared with holds no figures."""


@attrs.frozen
class AtLeast:
    """A target that is met from ``bound`` upwards."""

    bound: float

    def met(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.bound

    def __str__(self) -> str:
        return f"≥ {_number(self.bound)}"


@attrs.frozen
class AtMost:
    """A target that is met up to ``bound``."""

    bound: float

    def met(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value <= self.bound

    def __str__(self) -> str:
        return f"≤ {_number(self.bound)}"


@attrs.frozen
class Figure:
    """One measured number.

    ``value`` is None where it could not be measured, and ``note`` says why. A figure with
    ``void`` was measured wrongly, as the note says, and meets no target.
    """

    name: str
    value: float | None
    unit: str
    target: AtLeast | AtMost | None = None
    note: str = ""
    void: bool = False

    @property
    def met(self) -> bool | None:
        """Whether its target is met; None without a target."""
        if self.target is None:
            return None
        return self.value is not None and not self.void and self.target.met(self.value)


@attrs.frozen
class Report:
    """What one run found, and where; a part that could not be measured, and why not."""

    machine: Mapping[str, str]
    figures: tuple[Figure, ...]
    failed: Mapping[str, str] = attrs.field(factory=dict)

    def missed(self) -> tuple[Figure, ...]:
        """The figures whose target is not met."""
        return tuple(figure for figure in self.figures if figure.met is False)

    def plain(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "machine": dict(self.machine),
            "figures": {figure.name: _plain(figure) for figure in self.figures},
            "failed": dict(self.failed),
        }


def earlier_values(document: object) -> dict[str, float]:
    """The values of a report that was kept as JSON, by name. Raises: NoFigures."""
    figures = document.get("figures") if isinstance(document, dict) else None
    if not isinstance(figures, dict):
        raise NoFigures("it is not a report of xached bench --json")
    return {
        name: float(figure["value"])
        for name, figure in figures.items()
        if isinstance(figure, dict) and isinstance(figure.get("value"), int | float)
    }


def compared(figures: Iterable[Figure], earlier: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """Every figure that was also measured earlier: then, now, and now over then."""
    return {
        figure.name: {
            "earlier": earlier[figure.name],
            "now": figure.value,
            "ratio": round(figure.value / earlier[figure.name], 4),
        }
        for figure in figures
        if figure.value is not None and earlier.get(figure.name)
    }


def figure_table(figures: Sequence[Figure], earlier: Mapping[str, float] | None = None) -> Table:
    """The figures for people, with a column of the earlier ones where there are any."""
    table = Table(box=None)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("unit")
    if earlier is not None:
        table.add_column("earlier", justify="right")
        table.add_column("change", justify="right")
    table.add_column("target")
    table.add_column("")
    for figure in figures:
        cells = [figure.name, "–" if figure.value is None else _number(figure.value), figure.unit]
        if earlier is not None:
            cells.extend(_change(figure, earlier.get(figure.name)))
        table.add_row(*cells, _verdict(figure), escape(figure.note))
    return table


def _change(figure: Figure, before: float | None) -> tuple[str, str]:
    if before is None:
        return "", ""
    if figure.value is None or not before:
        return _number(before), ""
    return _number(before), f"{100 * (figure.value / before - 1):+.1f} %"


def _verdict(figure: Figure) -> str:
    if figure.target is None:
        return "[red]void[/red]" if figure.void else ""
    if figure.met:
        return f"[green]{figure.target}[/green]"
    return f"[red]{figure.target} {'void' if figure.void else 'missed'}[/red]"


def _plain(figure: Figure) -> dict[str, Any]:
    found: dict[str, Any] = {"value": figure.value, "unit": figure.unit}
    if figure.target is not None:
        found["target"] = str(figure.target)
        found["met"] = figure.met
    if figure.void:
        found["void"] = True
    if figure.note:
        found["note"] = figure.note
    return found


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
