"""Kinds of fields that templates and type settings are made of."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from pushguide.master.suggest import did_you_mean

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_ON_HOST = re.compile(r"\{(grain\.[\w:.-]+|inventory\.[\w-]+)\}\Z")
_INVENTORY = r"\{inventory\.[\w-]+\}"
_BELOW_INVENTORY = re.compile(_INVENTORY + r"([\\/]|\Z)")
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


#: Where something stands in a template: keys, and places in lists.
Location = tuple[Any, ...]


@dataclass(frozen=True)
class Bounded:
    """Marks a field whose values are bounded where a template is kept in the database.

    Attributes:
        by: what bounds it: a key of ``pushguide:self_service``; :data:`NOTHING` if nothing allows
            it there.
        or_else: the field beside it without which its absence means the minion's own account.
        when: the field beside it, and its value, with which alone it is bounded.
    """

    NOTHING: ClassVar[str] = "nothing"

    by: str
    or_else: str | None = None
    when: tuple[str, str] | None = None


class Strict(BaseModel):
    """A mapping whose unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TypeSettings(Strict):
    """The settings of one project type; each type has a subclass named ``Settings``."""


def _absolute(path: str) -> str:
    if _WINDOWS_DRIVE.match(path):
        return path
    if _BELOW_INVENTORY.match(path) and ".." not in re.split(r"[\\/]", path):
        return path
    if not path.startswith("/"):
        raise ValueError("give an absolute path")
    if ".." in path.split("/"):
        raise ValueError("give a path without '..'")
    normal = posixpath.normpath(path)
    if normal in ("/", "//"):
        raise ValueError("give a directory of the module's own, not the root of the file system")
    return normal


def or_inventory(pattern: str) -> str:
    """A pattern that takes ``{inventory.<name>}`` too, where that is all that stands there."""
    return f"^{_INVENTORY}$|{pattern}"


def _one_line(text: str) -> str:
    if any(ord(character) < 32 for character in text):
        raise ValueError("give one line without control characters")
    return text


def _name(text: str) -> str:
    if not NAME_PATTERN.match(text):
        raise ValueError("give letters, digits, '.', '_' and '-', 64 at the most")
    return text


def _port(port: object) -> object:
    if isinstance(port, str) and (port.isdecimal() or _ON_HOST.match(port)):
        port = int(port) if port.isdecimal() else port
    elif not isinstance(port, int) or isinstance(port, bool):
        port = 0
    if isinstance(port, int) and not 1 <= port <= 65535:
        raise ValueError("give a number from 1 to 65535, or a grain such as '{grain.shop_port}'")
    return port


def no_credentials(url: str) -> str:
    """Refuse an address that holds a user or a password; the refusal does not repeat them."""
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise PydanticCustomError(
            "said_in_full",
            "give no user or password in it: job arguments are no place for secrets.",
        )
    return url


def known_name(name: str, key: str, info: ValidationInfo) -> str:
    """Refuse a name that the master's configuration does not have.

    Args:
        name: the name.
        key: where it has to stand: commands, functions, hooks or credentials.
        info: holds the names by key, if they are known.
    """
    known = (info.context or {}).get(key)
    if known is not None and name not in known:
        # Not in the text itself: a template of pydantic's would take braces for places.
        said = (
            f"there is no {name!r} in the master's configuration (pushguide:{key}); "
            f"{did_you_mean(name, known)}"
        )
        raise PydanticCustomError("said_in_full", "{said}", {"said": said})
    return name


def _credential(name: str, info: ValidationInfo) -> str:
    return known_name(name, "credentials", info)


def below_release(path: str) -> str:
    """Refuse a path that does not lie below a release directory."""
    if {"", ".", ".."} & {*path.replace("\\", "/").split("/")}:
        raise ValueError("give a path below the release directory, without '.' and '..'")
    return path


Name = Annotated[str, AfterValidator(_name)]
OneLine = Annotated[str, AfterValidator(_one_line)]
AbsolutePath = Annotated[
    str, Bounded("directories"), AfterValidator(_one_line), AfterValidator(_absolute)
]
#: A number, or a grain that holds it, such as ``{grain.shop_port}``.
Port = Annotated[int | str, BeforeValidator(_port)]
HttpUrl = Annotated[
    OneLine,
    Bounded("addresses"),
    Field(pattern=r"^https?://."),
    AfterValidator(no_credentials),
]
#: A user that something runs as.
Account = Annotated[OneLine, Bounded("accounts")]
Seconds = Annotated[float, Field(gt=0, le=86400)]
#: The name of a credential in the master's configuration.
CredentialName = Annotated[str, AfterValidator(_credential)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


def help_of(text: str, *examples: Any, **more: Any) -> Any:
    """A field with its help text and examples; a default makes it optional."""
    return Field(description=text, examples=list(examples) or None, **more)


def texts(value: object, location: Location = ()) -> Iterator[tuple[Location, str]]:
    """Every text in plain data, with its location."""
    if isinstance(value, str):
        yield location, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from texts(one, (*location, key))
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value):
            yield from texts(one, (*location, place))
