"""Bounds of self-service: what a template may say that is kept in the database.

Who edits the master's pillar is root on every host, and is bound by nothing. Who may edit a
template through the runner is not: what such a template names (hosts, directories, accounts,
services, servers, secrets, orchestrations, hooks) has to be allowed by ``pushguide:self_service``
in the master's configuration. Without that key there are no templates in the database.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from pushguide.master.fields import (
    AbsolutePath,
    Bounded,
    Location,
    Name,
    OneLine,
    Strict,
    help_of,
    texts,
)
from pushguide.master.globs import matches

PATH = "pushguide:self_service in the master's configuration"
#: Accounts that may do little, on any Windows.
_HARMLESS = {
    "ApplicationPoolIdentity",
    "LocalService",
    "NetworkService",
    r"NT Authority\LocalService",
    r"NT Authority\NetworkService",
}
ACCOUNTS = "accounts"
_OWN_HOST = ("127.0.0.1", "localhost")
_PILLAR = re.compile(r"\{pillar\.([^{}]*)\}")


class Bounds(Strict):
    """What templates in the database may name; what is not here, they may not."""

    hosts: list[OneLine] = help_of("Globs of minion ids.", ["pay*"], default=[])
    directories: list[AbsolutePath] = help_of(
        "Directories, of hosts and of the master, below which everything has to lie.",
        ["/srv", "/var/www"],
        default=[],
    )
    accounts: list[OneLine] = help_of(
        "Users that programs may run as; root for the minion's own.", ["tomcat"], default=[]
    )
    services: list[OneLine] = help_of(
        "Globs of systemd units, services and tasks of Windows, sites and pools of IIS.",
        ["shop-*"],
        default=[],
    )
    servers: list[OneLine] = help_of(
        "Addresses below which artifacts, and what hosts ask, have to lie. What a host asks of "
        "itself is always allowed.",
        ["https://artifacts.example.com", "salt://artifacts"],
        default=[],
    )
    pillar: list[OneLine] = help_of(
        "Globs of keys of the hosts' pillar that configuration may take.", ["shop:*"], default=[]
    )
    orchestrations: list[OneLine] = help_of(
        "Orchestration files.", default=["orch.deploy", "orch.rollback"]
    )
    hooks: list[OneLine] = help_of(
        "Globs of hooks, out of those of the master's configuration.", ["shop-*"], default=["*"]
    )


class SelfService(Bounds):
    """The bounds, and those of teams where they are others."""

    teams: dict[Name, Bounds] = help_of(
        "What is different for a team's modules, by its name: key by key.",
        {"payments": {"hosts": ["pay*"]}},
        default={},
    )

    def of(self, team: str | None) -> Bounds:
        """The bounds of a team's modules."""
        own = self.teams.get(team or "")
        values = self.model_dump(exclude={"teams"})
        return Bounds(**values | (own.model_dump(exclude_unset=True) if own else {}))


def read(given: Mapping[str, Any]) -> tuple[SelfService | None, list[str]]:
    """Read ``self_service``; None where there is none. And tell every problem."""
    value = given.get("self_service")
    if value is None:
        return None, []
    if not isinstance(value, Mapping):
        return None, [f"{PATH} is not a mapping."]
    try:
        return SelfService(**value), []
    except ValidationError as err:
        return None, [
            f"{':'.join(['pushguide:self_service', *map(str, one['loc'])])} in the master's "
            f"configuration: {one['msg']}."
            for one in err.errors()
        ]


def beyond(bounds: Bounds, *models: tuple[Location, BaseModel]) -> Iterator[tuple[Location, str]]:
    """What models name that is not within the bounds.

    Args:
        bounds: the bounds.
        models: each with its location in the template.

    Yields:
        Of each such thing its location, and what is wrong.
    """
    for location, model in models:
        for where, bounded, text in bounds_in(model, location):
            if not _is_within(bounds, bounded.by, text):
                yield where, _told(bounded.by, text)
        for where, text in texts(model.model_dump(mode="json"), location):
            for key in _PILLAR.findall(text):
                if not matches(bounds.pillar, key):
                    yield where, _told("pillar", key)


def hosts_beyond(bounds: Bounds, hosts: list[str]) -> list[str]:
    """The hosts that are not within the bounds."""
    return [one for one in hosts if not matches(bounds.hosts, one)]


def _told(by: str, text: str) -> str:
    if by == Bounded.NOTHING:
        return "may only be said in the master's pillar, not in a template in the database."
    return f"{text!r} is not allowed to templates in the database ({PATH}: {by})."


def _is_within(bounds: Bounds, by: str, text: str) -> bool:
    if by == "directories":
        return any(is_below(text, one) for one in bounds.directories)
    if by == "services":
        return text.startswith("{") or matches(bounds.services, text)
    if by == ACCOUNTS:
        return text in _HARMLESS or text in bounds.accounts
    if by == "servers":
        return any(_is_at(text, one) for one in bounds.servers)
    if by == "addresses":
        own = urlsplit(text).netloc.rpartition("@")[2].partition(":")[0]
        return own in _OWN_HOST or any(_is_at(text, one) for one in bounds.servers)
    if by == "hooks":
        return matches(bounds.hooks, text)
    if by == "orchestrations":
        return text in bounds.orchestrations
    return False


def is_below(path: str, directory: str) -> bool:
    """Whether a path lies in a directory, of Linux or of Windows.

    A path that begins with ``{inventory.<name>}`` does: what a template itself says of that name is
    held against the bounds, and the rest of the inventory is not the template's.
    """
    if path.startswith("{"):
        return True
    wanted, above = _parts(path), _parts(directory)
    return ".." not in wanted and wanted[: len(above)] == above


def _parts(path: str) -> list[str]:
    is_windows = path[1:2] == ":"
    text = path.replace("\\", "/").lower() if is_windows else path
    return [part for part in posixpath.normpath(text).split("/") if part]


def _is_at(address: str, allowed: str) -> bool:
    """Whether an address lies below another one: the same server, and a path below."""
    wanted, above = urlsplit(address), urlsplit(allowed)
    if (wanted.scheme, wanted.netloc) != (above.scheme, above.netloc):
        return False
    parts, top = (one.path.strip("/").split("/") for one in (wanted, above))
    top = [part for part in top if part]
    return not {"..", "."} & {*parts} and "%2e" not in address.lower() and parts[: len(top)] == top


# --- what is bounded ------------------------------------------------------------------------


def bounds_in(model: BaseModel, location: Location = ()) -> Iterator[tuple[Location, Bounded, str]]:
    """Every value in a model that is bounded, with its location and what bounds it.

    Of defaults only an account matters: it may be one that may do everything.
    """
    for name, one in type(model).model_fields.items():
        value, here = getattr(model, name), (*location, name)
        marks = [*_marks(one.metadata), *_marks(get_args(one.annotation))]
        for mark in filter(partial(_holds, model), dict.fromkeys(marks)):
            if value is not None and (name in model.model_fields_set or mark.by == ACCOUNTS):
                yield from ((where, mark, text) for where, text in texts(value, here))
            elif mark.or_else and getattr(model, mark.or_else) is None:
                yield here, mark, "root"
        yield from _bounds_below(value, here)


def _bounds_below(value: object, location: Location) -> Iterator[tuple[Location, Bounded, str]]:
    if isinstance(value, BaseModel):
        yield from bounds_in(value, location)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _bounds_below(one, (*location, key))
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value):
            yield from _bounds_below(one, (*location, place))


def _marks(annotations: Any) -> Iterator[Bounded]:
    for one in annotations:
        if isinstance(one, Bounded):
            yield one
        yield from _marks(get_args(one))


def _holds(model: BaseModel, mark: Bounded) -> bool:
    """Whether a mark is about a model as it is."""
    return mark.when is None or getattr(model, mark.when[0]) == mark.when[1]
