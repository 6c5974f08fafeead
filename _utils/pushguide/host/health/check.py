"""What all kinds of probes have in common: one question, and the three answers to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeVar

from pushguide.host.reading import made_of

HEALTHY, UNHEALTHY, INCONCLUSIVE = "healthy", "unhealthy", "inconclusive"


class Answer(NamedTuple):
    """What one question brought.

    ``is_final`` says that asking again cannot bring anything else.
    """

    state: str
    words: str
    is_final: bool = False


def healthy(words: str) -> Answer:
    """The release is well, as far as this question goes."""
    return Answer(HEALTHY, words)


def unhealthy(words: str, is_final: bool = False) -> Answer:
    """The release is not well."""
    return Answer(UNHEALTHY, words, is_final)


def inconclusive(words: str) -> Answer:
    """The question could not be asked, or what came back proves neither."""
    return Answer(INCONCLUSIVE, words)


@dataclass
class Scene:
    """What a check may look at, besides what the template says.

    Args:
        salt: Salt's execution modules.
        logs: how far each log file had been written at the switch: inode and size by path.
    """

    salt: Mapping[str, Any] = field(default_factory=dict)
    logs: Mapping[str, Any] = field(default_factory=dict)


C = TypeVar("C", bound="Check")


@dataclass(kw_only=True)
class Check:
    """One probe of a template: what is asked, and how patiently."""

    kind: ClassVar[str] = ""
    #: The fields in which ``{version}`` becomes the version's label.
    versioned: ClassVar[tuple[str, ...]] = ()
    #: What to do if it is unhealthy.
    hint: ClassVar[str] = "Look at the log of the application."

    timeout_seconds: float = 5
    interval_seconds: float = 1
    within_seconds: float = 60
    consecutive: int = 1

    @classmethod
    def from_dict(cls: type[C], data: Mapping[str, Any], version: str) -> C:
        """Read a probe out of a share.

        Raises:
            Refused: a field is unknown or missing.
        """
        filled = {
            name: _with_version(value, version) if name in cls.versioned else value
            for name, value in data.items()
        }
        return made_of(cls, filled, "probe")

    def ask(self, scene: Scene) -> Answer:
        """Ask once, for ``timeout_seconds`` at the most."""
        raise NotImplementedError


def _with_version(value: Any, version: str) -> Any:
    if isinstance(value, str):
        return value.replace("{version}", version)
    return [_with_version(one, version) for one in value] if isinstance(value, list) else value
