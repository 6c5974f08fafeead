"""Notifying: what people ask of the notifications."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pushguide.errors import Refused
from pushguide.master.arguments import demand_name, demand_number, demand_one_of, optional_name
from pushguide.master.notifications.reading import Channel
from pushguide.master.parts import Parts
from pushguide.master.store import deliveries
from pushguide.master.store.deliveries import PENDING, STATES, Delivery
from pushguide.master.suggest import did_you_mean


class Notifying:
    """What can be done about notifications.

    Args:
        parts: what they are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database

    def test(self, channel: object) -> dict[str, Any]:
        """Send a message to each address of a channel, now.

        Args:
            channel: the channel.
        """
        from pushguide.master.notifications import sending, texts  # Apprise: nothing else needs it

        name = demand_name(channel, "channel")
        channels = self._channels()
        _demand_channel(name, channels)
        chosen = channels[name]
        message = texts.test_message(name, self.parts.user, chosen.language)
        with ThreadPoolExecutor(min(16, len(chosen.urls))) as pool:
            problems = [*pool.map(lambda url: sending.send(url, message), chosen.urls)]
        told = [
            {"address": place, "delivered": problem is None, "error": problem}
            for place, problem in enumerate(problems, 1)
        ]
        return {"channel": name, "addresses": told, "retcode": int(any(problems))}

    def notifications(self, channel: object, state: object, limit: object) -> dict[str, Any]:
        """What was told, and what still is.

        Args:
            channel: of this channel alone; None for all.
            state: in this state alone; None for all.
            limit: how many at the most.
        """
        name = optional_name(channel, "channel")
        if name is not None:
            # One that was there once will do.
            once = {of for of, _ in self.database.read(deliveries.standing)}
            _demand_channel(name, {*self._channels(), *once})
        wanted = STATES if state is None else (demand_one_of(state, "state", STATES),)
        most = min(demand_number(limit, "limit"), 1000)

        def work(connection: Any) -> dict[str, Any]:
            standing = deliveries.standing(connection)
            oldest = deliveries.oldest_due(connection)
            return {
                "counts": {
                    one: sum(
                        count
                        for (of, is_in), count in standing.items()
                        if is_in == one and name in (None, of)
                    )
                    for one in STATES
                },
                "oldest_due": oldest.isoformat(timespec="seconds") if oldest else None,
                "deliveries": [
                    _told(one) for one in deliveries.find(connection, name, wanted, most)
                ],
            }

        return self.database.read(work)

    def _channels(self) -> dict[str, Channel]:
        known = self.parts.config.notifications
        return known.channels if known else {}


def _demand_channel(name: str, names: Collection[str]) -> None:
    """Refuse a channel that is none.

    Raises:
        Refused: there is none of that name.
    """
    if name not in names:
        raise Refused(
            f"There is no channel {name!r} in the master's configuration "
            f"(pushguide:notifications:channels): {did_you_mean(name, names)}"
        )


def _told(one: Delivery) -> dict[str, Any]:
    """A delivery as plain data."""
    told = one.told
    return {
        "event": told.event,
        "module": told.module,
        "environment": told.environment,
        "deployment": told.deployment_id,
        "channel": one.channel,
        "address": one.position + 1,
        "state": one.state,
        "attempts": one.attempts,
        "happened_at": told.created_at.isoformat(timespec="seconds"),
        "due_at": one.due_at.isoformat(timespec="seconds") if one.state == PENDING else None,
        "delivered_at": one.delivered_at.isoformat(timespec="seconds")
        if one.delivered_at
        else None,
        "error": one.error,
    }
