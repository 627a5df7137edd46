"""Notifiers that behave as tests ask. Imported by child processes only."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any

from xache_sdk.notifiers import Notice, Notifier, Request


@dataclass(frozen=True)
class Settings:
    """Which channel, and what to do with notices, by name."""

    channel: str = "ops"
    act: str = ""


class Chat(Notifier[Settings]):
    """Writes to a chat."""

    settings_type = Settings

    def request(self, notice: Notice) -> Request | None:
        """One line."""
        if notice.text == "unsaid":
            return None
        wrong: Any = "a text"
        match self.settings.act:
            case "raise":
                raise RuntimeError("a bug")
            case "stall":
                time.sleep(600)
            case "exit":
                os._exit(3)
            case "wrong":
                return wrong  # type: ignore[no-any-return] # as a plugin might
            case "escape":
                request = Request(body=b"")
                object.__setattr__(request, "path", "/../other")
                return request
            case _:
                pass
        text = f"{notice.severity.name} {notice.kind.value} {notice.subject}: {notice.text}"
        body = {"channel": self.settings.channel, "text": text, "id": notice.notice_id}
        return Request(
            body=json.dumps(body).encode(),
            path="/messages",
            headers={"Content-Type": "application/json", "Authorization": "Bearer {secret}"},
        )
