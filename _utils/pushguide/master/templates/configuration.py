"""What a template says about configuration: changes that are made to the files of a release."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    JsonValue,
    model_validator,
)

from pushguide.master.fields import OneLine, Strict, help_of
from pushguide.master.templates.hooks import HookUse

_NAME = re.compile(r"[A-Za-z]\w*\Z")
#: What every Jinja template may use.
_GIVEN = ("version", "module", "environment", "id")


def _below(path: str) -> str:
    parts = re.split(r"[/\\]", path)
    if {"", ".", ".."} & {*parts} or ":" in path:
        raise ValueError("give a path below the release, without '..', drives and empty names")
    if "{pillar." in path:
        raise ValueError("give a name that holds nothing of the pillar: everyone sees it")
    return path


def _ways(values: dict[str, JsonValue]) -> dict[str, JsonValue]:
    seen: dict[str, str] = {}
    for key in values:
        if "" in key.split(":"):
            raise ValueError(f"{key!r} is no key: give names with ':' between them")
        other = seen.setdefault(key.lower(), key)
        if other != key:
            raise ValueError(f"{other!r} and {key!r} are one key: .NET knows no upper case")
    return values


def _names(values: dict[str, JsonValue]) -> dict[str, JsonValue]:
    for name in values:
        if not _NAME.match(name) or name in _GIVEN:
            raise ValueError(
                f"{name!r} is no name for a value: give letters, digits and '_', and none of "
                f"{', '.join(_GIVEN)}, which are there anyway"
            )
    return values


PathBelow = Annotated[OneLine, AfterValidator(_below)]
Scalar = str | int | float | bool


class Change(Strict):
    """A change of one file."""

    file: PathBelow = help_of("The file, by its path below the release.", "web.config")
    mode: Annotated[str, Field(pattern=r"^0?[0-7]{3}$")] | None = help_of(
        "The mode that the file gets; else it keeps its own. Not on Windows.", "0640", default=None
    )


class TransformChange(Change):
    """An XML file is transformed by another file of the release."""

    kind: Literal["transform"] = help_of("The kind: by an XDT transform.")
    by: PathBelow = help_of(
        "The transform, by its path below the release.", "web.{environment}.config"
    )


class JsonChange(Change):
    """Keys of a JSON file get values."""

    kind: Literal["json"] = help_of("The kind: keys of a JSON file.")
    values: Annotated[dict[str, JsonValue], AfterValidator(_ways)] = help_of(
        "The keys, with ':' between them, and their values.",
        {"Logging:LogLevel:Default": "Warning"},
        min_length=1,
    )
    create: bool = help_of("Whether the file is made where there is none.", default=False)


class XmlChange(Change):
    """Entries of web.config or app.config get values."""

    kind: Literal["xml"] = help_of("The kind: entries of web.config or app.config.")
    app_settings: dict[str, Scalar] = help_of(
        "Keys of appSettings, and their values.", {"Mode": "production"}, default={}
    )
    connection_strings: dict[str, str] = help_of(
        "Names of connectionStrings, and the strings.",
        {"Shop": "{pillar.shop:connection}"},
        default={},
    )

    @model_validator(mode="after")
    def _sets_something(self) -> XmlChange:
        if not self.app_settings and not self.connection_strings:
            raise ValueError("give app_settings or connection_strings, or both")
        return self


class TemplateChange(Change):
    """A file is rendered with Jinja."""

    kind: Literal["template"] = help_of("The kind: a file that is rendered with Jinja.")
    source: PathBelow = help_of(
        "The Jinja template, by its path below the release.", "conf/app.ini.j2"
    )
    values: Annotated[dict[str, JsonValue], AfterValidator(_names)] = help_of(
        "What the Jinja template may use.", {"db_password": "{pillar.shop:db}"}, default={}
    )


class HookChange(HookUse):
    """A hook that operations have allowed."""

    kind: Literal["hook"] = help_of("The kind: by a hook.")


AnyChange: Any = Annotated[
    TransformChange | JsonChange | XmlChange | TemplateChange | HookChange,
    Field(discriminator="kind"),
]
