"""How it looks: one dark set of colours, tabular figures, little ornament."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

GROUND: Final = QColor("#0f1216")
RAISED: Final = QColor("#161b22")
LINE: Final = QColor("#262d36")
TEXT: Final = QColor("#d7dde5")
QUIET: Final = QColor("#8b96a5")
UP: Final = QColor("#3fb68b")
DOWN: Final = QColor("#e5584f")
WARNING: Final = QColor("#d9a441")
ACCENT: Final = QColor("#4f8ff7")

_SHEET: Final = """
QWidget { font-size: 13px; }
QMainWindow, QDialog { background: #0f1216; }
QFrame#panel { background: #161b22; border: 1px solid #262d36; border-radius: 6px; }
QLabel#title { color: #8b96a5; font-weight: 600; }
QLabel#price { font-size: 20px; font-weight: 600; }
QLabel#failure { color: #e5584f; }
QTableView { background: transparent; border: none; gridline-color: transparent;
  selection-background-color: #22304a; selection-color: #ffffff; }
QHeaderView { background: transparent; }
QHeaderView::section { background: transparent; color: #8b96a5; border: none; padding: 3px 6px; }
QLineEdit, QComboBox { background: #0f1216; border: 1px solid #303844; border-radius: 4px;
  padding: 4px 8px; min-height: 20px; }
QScrollBar:vertical { background: transparent; width: 8px; }
QScrollBar::handle:vertical { background: #303844; border-radius: 4px; min-height: 24px; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {
  background: transparent; height: 0; }
QLineEdit:focus, QComboBox:focus, QPushButton:focus { border-color: #4f8ff7; }
QLineEdit:disabled, QComboBox:disabled { background: #161b22; border-color: #222933;
  color: #5b6573; }
QPushButton { background: #222933; border: 1px solid #303844; border-radius: 4px;
  padding: 5px 12px; min-height: 20px; }
QPushButton:hover { background: #2a323e; }
QPushButton:checked { background: #22304a; border-color: #4f8ff7; color: #ffffff; }
QPushButton:disabled { color: #5b6573; }
QPushButton#buy { background: #1f7a5c; border-color: #2f9d79; color: #ffffff; font-weight: 600; }
QPushButton#sell { background: #b23a33; border-color: #d2554d; color: #ffffff; font-weight: 600; }
QPushButton#buy:disabled, QPushButton#sell:disabled { background: #222933; color: #5b6573; }
QTabWidget::pane { border: none; }
QTabBar::tab { background: transparent; color: #8b96a5; padding: 5px 10px; border: none; }
QTabBar::tab:selected { color: #ffffff; border-bottom: 2px solid #4f8ff7; }
QSplitter::handle { background: #0f1216; }
QStatusBar { color: #8b96a5; }
"""


def figures() -> QFont:
    """The font of numbers, whose digits are of one width."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(12)
    return font


def dress(app: QApplication) -> None:
    """Give the application its colours."""
    app.setStyle("Fusion")
    palette = QPalette()
    role = QPalette.ColorRole
    for name, colour in (
        (role.Window, GROUND), (role.Base, GROUND), (role.AlternateBase, RAISED),
        (role.Button, RAISED), (role.WindowText, TEXT), (role.Text, TEXT),
        (role.ButtonText, TEXT), (role.Highlight, ACCENT), (role.PlaceholderText, QUIET),
        (role.ToolTipBase, RAISED), (role.ToolTipText, TEXT),
    ):  # fmt: skip
        palette.setColor(name, colour)
    app.setPalette(palette)
    app.setStyleSheet(_SHEET)
