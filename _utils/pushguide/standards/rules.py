"""Rules: what a release may hold, as data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from pushguide.errors import Refused
from pushguide.standards.globs import problem_of

ERROR, WARNING, OFF = "error", "warning", "off"
#: The levels, the highest first.
LEVELS = (ERROR, WARNING, OFF)

#: What the content of a text may have to be.
TEXTS = ("utf-8", "no_bom_before_shebang", "lf_after_shebang", "crlf")

#: Grows when the same rules come to find something else: old results are not taken then.
EDITION = 1


class Kind(NamedTuple):
    """A kind of rule: the keys that it needs, those that it may have, and whether it makes sense
    on a host's live release. Of ``one_of`` it needs one at least."""

    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    on_hosts: bool = False


KINDS: dict[str, Kind] = {
    "readable": Kind(),
    "forbidden": Kind(
        takes=("unless", "contains"), one_of=("patterns", "look_into"), on_hosts=True
    ),
    "required": Kind(takes=("contains",), one_of=("patterns", "look_into")),
    "max_total_size": Kind(needs=("at_most_mb",), on_hosts=True),
    "max_file_size": Kind(needs=("at_most_mb",), takes=("patterns", "unless"), on_hosts=True),
    "max_files": Kind(needs=("at_most",), on_hosts=True),
    "relative_links": Kind(takes=("unless",), on_hosts=True),
    "text": Kind(needs=("look_into", "wanted"), takes=("unless",)),
    "probe": Kind(),
    "untouched": Kind(takes=("patterns", "unless"), on_hosts=True),
}


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: its name.
        kind: what it demands; one of KINDS.
        level: error, warning or off.
        reason: why it is there.
        mend: what to do about a finding.
        patterns: the paths that it means (:mod:`pushguide.standards.globs`).
        unless: paths that are let pass.
        look_into: the files whose beginning it looks into.
        contains: the texts that it looks for there.
        wanted: what the content of a text has to be.
        at_most: the largest number.
        at_most_mb: the largest size, in MiB.
        types: the project types that it holds for; none for all.
        locked: whether types and modules may not lower it.
    """

    name: str
    kind: str
    level: str
    reason: str = ""
    mend: str = ""
    patterns: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    look_into: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    wanted: str | None = None
    at_most: int | None = None
    at_most_mb: float | None = None
    types: tuple[str, ...] = ()
    locked: bool = False

    @property
    def on_hosts(self) -> bool:
        """Whether it makes sense on a host's live release."""
        return KINDS[self.kind].on_hosts and bool(self.patterns or not self.look_into)

    @property
    def bound(self) -> int:
        """The largest number, or the largest size in bytes."""
        return int(self.at_most_mb * 2**20) if self.at_most_mb is not None else self.at_most or 0

    def holds_for(self, project_type: str) -> bool:
        """Whether it is one for a project type."""
        return self.level != OFF and (not self.types or project_type in self.types)

    def to_dict(self) -> dict[str, Any]:
        """The rule as plain data, without what it does not say."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value not in ((), None, "", False)
        }

    def for_host(self) -> dict[str, Any]:
        """The rule as a host gets it: short, and without what is read in files."""
        left_out = ("reason", "mend", "look_into", "contains", "types", "locked")
        return {name: one for name, one in self.to_dict().items() if name not in left_out}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Rule:
        """Read a rule back from plain data.

        Raises:
            Refused: it does not read; master and minion may run different versions.
        """
        try:
            values: dict[str, Any] = {
                name: tuple(one) if isinstance(one, list) else one for name, one in data.items()
            }
            rule = cls(**values)
            if rule.kind not in KINDS:
                raise ValueError(f"there is no kind {rule.kind!r}")
            for pattern in (*rule.patterns, *rule.unless, *rule.look_into):
                if why := problem_of(pattern):
                    raise ValueError(f"{pattern!r}: {why}")
            return rule
        except (TypeError, ValueError, AttributeError) as err:
            raise Refused(
                f"A rule of the code standards does not read: {err}. Master and minion may run "
                "different versions of pushguide: sync the minion with saltutil.sync_all."
            ) from err


class Finding(NamedTuple):
    """One thing that a rule has found.

    Attributes:
        rule: the rule's name.
        level: error or warning.
        path: where, below the release; empty for the release as a whole.
        what: what was found.
        why: the rule's reason.
        mend: what to do about it.
    """

    rule: str
    level: str
    path: str
    what: str
    why: str = ""
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.rule}: {self.path or 'the release'} {self.what}"


def digest_of(rules: Iterable[Rule], facts: Mapping[str, Any]) -> str:
    """What tells a set of rules, and what they are applied with, from any other."""
    told = [EDITION, [one.to_dict() for one in rules], dict(facts)]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
