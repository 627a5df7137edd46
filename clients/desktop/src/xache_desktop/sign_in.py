"""Signing in: e-mail and password, and the second factor where there is one."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from xache.client import Client
from xache.v1 import auth_pb2

from xache_desktop.calls import Calls


class SignIn(QDialog):
    """Accepted once the client carries a session."""

    def __init__(self, client: Client, calls: Calls, target: str, parent: QWidget | None = None):
        super().__init__(parent)
        self._client, self._calls = client, calls
        self._token = ""
        self.setWindowTitle("Sign in")
        self.setMinimumWidth(360)
        self.email, self.password, self.code = QLineEdit(), QLineEdit(), QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.enter = QPushButton("Sign in")
        self.enter.setDefault(True)
        self.told = QLabel("")
        self.told.setObjectName("failure")
        self.told.setWordWrap(True)
        form = QFormLayout()
        form.addRow("e-mail", self.email)
        form.addRow("password", self.password)
        form.addRow("code", self.code)
        self._form = form
        form.setRowVisible(self.code, False)
        lines = QVBoxLayout(self)
        lines.addWidget(QLabel(f"The house at {target}"))
        lines.addLayout(form)
        lines.addWidget(self.told)
        lines.addWidget(self.enter)
        self.enter.clicked.connect(self._send)

    def _send(self) -> None:
        self.enter.setEnabled(False)
        self.told.setText("")
        if self._token:
            token, code = self._token, self.code.text().strip()
            self._calls.ask(
                lambda: self._client.auth.complete_login(token, code), self._done, self._failed
            )
            return
        email, password = self.email.text().strip(), self.password.text()
        self._calls.ask(
            lambda: self._client.auth.login(email, password), self._entered, self._failed
        )

    def _entered(self, answer: auth_pb2.LoginResponse) -> None:
        self._token = answer.second_factor_token
        if not self._token:
            self.accept()
            return
        self.enter.setEnabled(True)
        self._form.setRowVisible(self.code, True)
        self.code.setFocus()

    def _done(self, _answer: object) -> None:
        self.accept()

    def _failed(self, error: Exception) -> None:
        self.enter.setEnabled(True)
        self.told.setText(str(error))
