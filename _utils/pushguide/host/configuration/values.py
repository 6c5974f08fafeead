"""What changes are filled in with: what the deployment says, and secrets of this host's pillar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host import pillar
from pushguide.share import Share

_PLACE = re.compile(r"\{(version|module|environment|pillar\.[^{}\s]+)\}")
_OF_PILLAR = "pillar."


class Values:
    """Fills in ``{version}``, ``{module}``, ``{environment}`` and ``{pillar.<path>}``.

    ``{id}`` and ``{grain.<name>}`` are filled in already when the share is read.

    Args:
        share: this host's share of the plan.
        minion_id: the minion's id.
        salt: Salt's execution modules.
    """

    def __init__(self, share: Share, minion_id: str, salt: Mapping[str, Any]) -> None:
        self.known = {
            "version": share.version,
            "module": share.module,
            "environment": share.environment,
        }
        self.minion_id = minion_id
        self.salt = salt
        self._secrets: dict[str, Any] = {}

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
        told = {str(one) for one in self._secrets.values()}
        for secret in sorted(told, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _value(self, name: str) -> Any:
        if not name.startswith(_OF_PILLAR):
            return self.known[name]
        path = name[len(_OF_PILLAR) :]
        if path not in self._secrets:
            self._secrets[path] = self._secret(path)
        return self._secrets[path]

    def _secret(self, path: str) -> Any:
        found = pillar.look_up(path, self.salt)
        if found is None:
            raise StepFailed(
                f"Filling in {{pillar.{path}}} failed: this host's pillar has nothing there. Put "
                "it into the pillar of the host, or correct the template."
            )
        if not isinstance(found, (str, int, float)):
            raise StepFailed(
                f"Filling in {{pillar.{path}}} failed: in this host's pillar it is a "
                f"{type(found).__name__}, not a text or a number. Name a value below it."
            )
        return found
