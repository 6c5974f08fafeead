"""Settings in JSON, as .NET reads them: keys with ':' between them, in upper or lower case.

Comments and commas behind the last entry are read, as .NET does, and not written again. What is
not set stays, numbers to the digit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from pushguide.errors import StepFailed
from pushguide.host.configuration.change import FileChange
from pushguide.host.configuration.text import Text, decoded
from pushguide.host.configuration.tree import Tree
from pushguide.host.configuration.values import Values

_STRING = r'"(?:\\.|[^"\\])*"'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMA = re.compile(rf"({_STRING})|,(?=\s*[}}\]])", re.DOTALL)


class _Number(str):
    """A number as the file has it."""

    __slots__ = ()


@dataclass(kw_only=True)
class JsonChange(FileChange):
    """Keys of a JSON file get values."""

    kind: ClassVar[str] = "json"

    values: Mapping[str, Any]
    create: bool = False

    def apply(self, tree: Tree, values: Values) -> list[str]:
        """Set the keys."""
        name = values.name(self.file)
        is_new = self.create and not tree.has(name)
        text = Text("{}\n") if is_new else decoded(tree.read(name), name)
        settings = _read(text.text, name)
        for key, value in self.values.items():
            _Path(key, name).put(settings, values.filled(value))
        end = "\n" if text.text.endswith("\n") else ""
        written = "".join(_written(settings, "\n")) + end
        tree.write(name, Text(written, *text[1:]).to_bytes(), self.mode)
        return []


def _read(text: str, name: str) -> dict[str, Any]:
    def refuse_constant(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: set[str] = set()
        for key, _ in pairs:
            if key.lower() in seen:
                raise ValueError(f"the key {key!r} is there twice")
            seen.add(key.lower())
        return dict(pairs)

    plain = _LAST_COMMA.sub(_kept, _COMMENT.sub(_kept, text))
    try:
        found = json.loads(
            plain,
            object_pairs_hook=unique,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=refuse_constant,
        )
    except (ValueError, RecursionError) as err:
        raise StepFailed(f"{name} in the release does not read as JSON: {err}.") from None
    if not isinstance(found, dict):
        raise StepFailed(f"{name} in the release is no JSON object: keys cannot be set in it.")
    return found


def _kept(found: re.Match[str]) -> str:
    """What stays: texts as they are, and the ends of lines, so that errors name the right one."""
    return found[1] or re.sub(r"[^\n]", " ", found[0])


class _Path:
    """The way to a value.

    Args:
        key: the keys, with ':' between them; in a list a place, from 0 on.
        file: the file's name, for messages.
    """

    def __init__(self, key: str, file: str) -> None:
        self.key = key
        self.file = file

    def put(self, settings: dict[str, Any], value: Any) -> None:
        """Put a value where the way leads to, through objects that are made if need be.

        Raises:
            StepFailed: something else is in the way.
        """
        self._put(settings, self.key.split(":"), value)

    def _put(self, here: Any, way: list[str], value: Any) -> None:
        key, rest = self._key_in(here, way)
        if not rest:
            here[key] = value
            return
        if isinstance(here, dict) and here.get(key) is None:
            here[key] = {}
        self._put(here[key], rest, value)

    def _key_in(self, here: Any, way: list[str]) -> tuple[Any, list[str]]:
        """The key to go on with, as it is spelled there, and the way from there on."""
        if isinstance(here, list):
            if not way[0].isdecimal() or int(way[0]) >= len(here):
                raise self._refused(f"{way[0]} is no place in the list of {len(here)} there")
            return int(way[0]), way[1:]
        if not isinstance(here, dict):
            raise self._refused(f"there is a value, and no object, above {':'.join(way)}")
        for one in here:
            # .NET takes {"a:b": 1} for {"a": {"b": 1}}.
            parts = one.lower().split(":")
            if parts == [part.lower() for part in way[: len(parts)]]:
                return one, way[len(parts) :]
        return way[0], way[1:]

    def _refused(self, why: str) -> StepFailed:
        return StepFailed(f"Setting {self.key} in {self.file} failed: {why}.")


def _written(value: Any, line: str) -> Iterator[str]:
    """A value as JSON.

    Args:
        value: the value.
        line: what a line begins with.
    """
    deeper = f"{line}  "
    if isinstance(value, _Number):
        yield value
    elif isinstance(value, dict) and value:
        for at, (key, one) in enumerate(value.items()):
            yield f"{',' if at else '{'}{deeper}{json.dumps(key, ensure_ascii=False)}: "
            yield from _written(one, deeper)
        yield f"{line}}}"
    elif isinstance(value, list) and value:
        for at, one in enumerate(value):
            yield f"{',' if at else '['}{deeper}"
            yield from _written(one, deeper)
        yield f"{line}]"
    else:
        yield json.dumps(value, ensure_ascii=False, allow_nan=False)
