"""What changes are filled in with: what the deployment says, and secrets of this host's pillar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pushguide.host.pillar import Secrets
from pushguide.share import Share

_PLACE = re.compile(r"\{(version|module|environment|pillar\.[^{}\s]+)\}")
_OF_PILLAR = "pillar."


class Values:
    """Fills in ``{version}``, ``{module}``, ``{environment}`` and ``{pillar.<path>}``.

    ``{id}`` and ``{grain.<name>}`` are filled in already when the share is read.

    Args:
        share: this host's share of the plan.
        minion_id: the minion's id.
        secrets: the values of this host's pillar.
    """

    def __init__(self, share: Share, minion_id: str, secrets: Secrets) -> None:
        self.known = {
            "version": share.version,
            "module": share.module,
            "environment": share.environment,
        }
        self.minion_id = minion_id
        self.secrets = secrets

    def filled(self, given: Any) -> Any:
        """Fill in every text in a value. A text that is one place alone gets the value's own kind.

        Raises:
            StepFailed: the pillar does not have a value, or it is a mapping or a list.
        """
        if isinstance(given, str):
            alone = _PLACE.fullmatch(given)
            return self._value(alone[1]) if alone else self.text(given)
        if isinstance(given, Mapping):
            return {key: self.filled(one) for key, one in given.items()}
        return [self.filled(one) for one in given] if isinstance(given, list) else given

    def text(self, given: str) -> str:
        """Fill in a text.

        Raises:
            StepFailed: the pillar does not have a value, or it is a mapping or a list.
        """
        return _PLACE.sub(lambda place: str(self._value(place[1])), given)

    def name(self, given: str) -> str:
        """Fill in the name of a file, which is no place for secrets."""
        return _PLACE.sub(lambda place: self.known.get(place[1], place[0]), given)

    def hidden(self, text: str) -> str:
        """A text for others to read: every secret that was asked for is a row of asterisks."""
        return self.secrets.hidden(text)

    def _value(self, name: str) -> Any:
        if not name.startswith(_OF_PILLAR):
            return self.known[name]
        return self.secrets.value(name[len(_OF_PILLAR) :])
