"""The master's event bus, with somebody who listens to all of it."""

from __future__ import annotations

import threading
from typing import Any

import salt.config
import salt.utils.event
from typing_extensions import Self

from tests.support.salt_lab import Lab
from tests.support.waiting import wait_until


class Bus:
    """Keeps every event of the master's bus, while its block runs.

    Args:
        lab: the lab.
    """

    def __init__(self, lab: Lab) -> None:
        self.opts = salt.config.master_config(str(lab.config_dir / "master"))
        #: The events, each with its tag and data.
        self.events: list[dict[str, Any]] = []
        self.ended, self.listens = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        assert self.listens.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join(30)

    def _listen(self) -> None:
        with salt.utils.event.get_master_event(
            self.opts, self.opts["sock_dir"], listen=True
        ) as bus:
            assert bus.connect_pub(timeout=10)
            self.listens.set()
            while not self.ended.is_set():
                event = bus.get_event(wait=0.5, full=True, auto_reconnect=True)
                if event:
                    self.events.append(event)

    def told(self, tag: str, number: int = 1) -> dict[str, Any]:
        """What the bus tells under a tag, waited for; the last of so many."""

        def found() -> list[dict[str, Any]]:
            return [one["data"] for one in [*self.events] if one["tag"] == tag]

        wait_until(lambda: len(found()) >= number, f"{number} events {tag}")
        return found()[number - 1]
