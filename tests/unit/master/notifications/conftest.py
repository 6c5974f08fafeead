"""A clock that a test sets, a receiver, and dispatchers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pushguide.master.notifications import dispatcher as module
from pushguide.master.notifications.dispatcher import Dispatcher
from pushguide.master.notifications.reading import Notifications, read
from pushguide.master.store import templates
from pushguide.master.store.database import Database
from tests.support.receiver import Receiver


class Clock:
    """The time, as a test sets it."""

    def __init__(self) -> None:
        self.moment = datetime.now(timezone.utc)

    def __call__(self) -> datetime:
        """The time."""
        return self.moment

    def go_on(self, **more: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**more)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


def notifications(channels: dict[str, Any], rules: list[dict[str, Any]] | None = None) -> Any:
    """Who is told: the rules, or every channel of the end of each deployment."""
    default = {"events": ["succeeded", "failed"], "channels": [*channels]}
    given = {"channels": channels, "rules": rules or [default]}
    found, problems = read({"notifications": given})
    assert not problems
    assert isinstance(found, Notifications)
    return found


@pytest.fixture
def make(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Dispatcher]]:
    """Makes dispatchers; an address that failed needs no rest by a real clock."""
    monkeypatch.setattr(module, "_LONGEST_REST_SECONDS", 0.0)
    with ExitStack() as stack:

        def teams_of(modules: Collection[str]) -> dict[str, str | None]:
            # As the engine does it, templates are read from the record.
            database.read(templates.newest)
            return {name: {"shop-web": "shop"}.get(name) for name in modules}

        def made(
            channels: dict[str, Any],
            rules: list[dict[str, Any]] | None = None,
            holder: str = "m1@here",
            **more: Any,
        ) -> Dispatcher:
            one = Dispatcher(
                notifications(channels, rules),
                database,
                holder,
                teams_of,
                clock=clock,
                **more,
            )
            stack.callback(one._pool.shutdown)
            return one

        yield made


def turn(one: Dispatcher, times: int = 1) -> None:
    """Let it send everything that is due, now."""
    for _ in range(times):
        assert one.turn()
        one.settle(30)
