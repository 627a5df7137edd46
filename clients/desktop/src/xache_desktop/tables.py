"""Tables of text that is replaced as a whole, in which the selection stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import attrs
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from xache_desktop.theme import figures

_Index: TypeAlias = QModelIndex | QPersistentModelIndex
_ROW_HEIGHT: Final = 22


@attrs.frozen
class Cell:
    """A text and its colour; None for the usual one."""

    text: str
    colour: QColor | None = None


@attrs.frozen
class Row:
    """Cells, and what names the row whatever becomes of them."""

    key: str
    cells: tuple[Cell, ...]


class RowsModel(QAbstractTableModel):
    """Rows as they were set last. A column whose name begins with ">" is set to the right."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__()
        self._columns = columns
        self._rows: tuple[Row, ...] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows in place of those before."""
        fresh = tuple(rows)
        if fresh == self._rows:
            return
        same_shape = [row.key for row in fresh] == [row.key for row in self._rows]
        if not same_shape:
            self.beginResetModel()
        self._rows = fresh
        if same_shape:
            self.dataChanged.emit(
                self.index(0, 0), self.index(len(fresh) - 1, len(self._columns) - 1)
            )
        else:
            self.endResetModel()

    def key(self, row: int) -> str:
        """What names a row."""
        return self._rows[row].key

    def keys(self) -> list[str]:
        """What names the rows, in order."""
        return [row.key for row in self._rows]

    def text(self, row: int, column: int) -> str:
        """What stands in a cell."""
        return self._rows[row].cells[column].text

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008 - as Qt has it
        """See QAbstractTableModel."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008 - as Qt has it
        """See QAbstractTableModel."""
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See QAbstractTableModel."""
        cell = self._rows[index.row()].cells[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.ForegroundRole:
            return cell.colour
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(index.column())
        return None

    def headerData(  # noqa: N802 - as Qt has it
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """See QAbstractTableModel."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section].lstrip(">")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(section)
        return None

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        right = self._columns[column].startswith(">")
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter


class Table(QTableView):
    """A table that is read, in which one row may be chosen."""

    def __init__(self, columns: Sequence[str], name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = RowsModel(columns)
        self.setModel(self.rows)
        self.setObjectName(name)
        self.setAccessibleName(name)
        self.setFont(figures())
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setHighlightSections(False)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows; the chosen one stays chosen while it is among them."""
        chosen = self.chosen()
        self.rows.show(rows)
        keys = self.rows.keys()
        if chosen and chosen != self.chosen() and chosen in keys:
            self.selectRow(keys.index(chosen))

    def chosen(self) -> str:
        """What names the chosen row; "" for none."""
        row = self.currentIndex().row()
        return self.rows.key(row) if 0 <= row < self.rows.rowCount() else ""
