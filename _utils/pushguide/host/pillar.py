"""Values out of this host's pillar, as they are: no event, no job and no log holds them."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from typing import Any

from pushguide.errors import StepFailed

#: What is shorter is no secret, and to take it out would make other texts unreadable.
_SHORTEST = 4

_PLACE = re.compile(r"\{pillar\.([^{}\s]+)\}")

#: From Salt 3008 on pillar values come as asterisks unless they are asked for as they are.
_UNMASKED = {"unmask": True} if importlib.util.find_spec("salt.utils.secret") else {}


def look_up(path: str, salt: Mapping[str, Any]) -> Any:
    """Look up a value: in the pillar in memory first, then at the master.

    Args:
        path: the keys to the value, with ':' between them.
        salt: Salt's execution modules.

    Returns:
        The value; None where there is none, or an empty one.
    """
    found = salt["pillar.get"](path, default="", **_UNMASKED)
    if found in ("", None):
        found = salt["pillar.items"](**_UNMASKED)
        for key in path.split(":"):
            found = found.get(key) if isinstance(found, Mapping) else None
    return None if found == "" else found


class Secrets:
    """Fills in ``{pillar.<path>}``, and hides from others what it has filled in.

    Args:
        salt: Salt's execution modules.
    """

    def __init__(self, salt: Mapping[str, Any]) -> None:
        self.salt = salt
        self._known: dict[str, str | int | float] = {}

    def value(self, path: str) -> str | int | float:
        """A value of this host's pillar.

        Raises:
            StepFailed: there is none, or it is a mapping or a list.
        """
        if path not in self._known:
            self._known[path] = self._look_up(path)
        return self._known[path]

    def filled(self, given: Any) -> Any:
        """Fill in every text in plain data, at any depth.

        Raises:
            StepFailed: the pillar does not have a value, or it is a mapping or a list.
        """
        if isinstance(given, str):
            return _PLACE.sub(lambda place: str(self.value(place[1])), given)
        if isinstance(given, Mapping):
            return {key: self.filled(one) for key, one in given.items()}
        return [self.filled(one) for one in given] if isinstance(given, (list, tuple)) else given

    def hidden(self, text: str) -> str:
        """A text for others to read: every secret that was asked for is a row of asterisks."""
        for secret in sorted(self._told(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    @property
    def are_known(self) -> bool:
        """Whether any was asked for."""
        return bool(self._known)

    def _told(self) -> set[str]:
        """The secrets, as they are and as Python's messages quote them."""
        known = {str(one) for one in self._known.values() if len(str(one)) >= _SHORTEST}
        return known | {repr(one)[1:-1] for one in known}

    def _look_up(self, path: str) -> str | int | float:
        found = look_up(path, self.salt)
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
