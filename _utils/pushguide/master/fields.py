"""Kinds of fields that templates and type settings are made of."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class Strict(BaseModel):
    """A mapping whose unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TypeSettings(Strict):
    """The settings of one project type; each type has a subclass named ``Settings``."""


def _absolute(path: str) -> str:
    if _WINDOWS_DRIVE.match(path):
        return path
    if not path.startswith("/"):
        raise ValueError("give an absolute path")
    if ".." in path.split("/"):
        raise ValueError("give a path without '..'")
    normal = posixpath.normpath(path)
    if normal in ("/", "//"):
        raise ValueError("give a directory of the module's own, not the root of the file system")
    return normal


def _one_line(text: str) -> str:
    if any(ord(character) < 32 for character in text):
        raise ValueError("give one line without control characters")
    return text


OneLine = Annotated[str, AfterValidator(_one_line)]
AbsolutePath = Annotated[str, AfterValidator(_one_line), AfterValidator(_absolute)]
#: A number, or a grain that holds it, such as ``{grain.shop_port}``.
Port = (
    Annotated[int, Field(ge=1, le=65535)] | Annotated[str, Field(pattern=r"^\{grain\.[\w:.-]+\}$")]
)
Seconds = Annotated[float, Field(gt=0, le=86400)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


def help_of(text: str, *examples: Any, **more: Any) -> Any:
    """A field with its help text and examples; a default makes it optional."""
    return Field(description=text, examples=list(examples) or None, **more)
