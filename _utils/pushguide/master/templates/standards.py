"""Code standards as operations write them: what they change of the rules, and rules they add.

Four layers lie over each other: the built-in rules, the company's, those of a project type, and
those of a module or its environment. What a later one says of a rule replaces, key by key, what
an earlier one said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from pushguide.master.fields import OneLine, Strict, help_of
from pushguide.master.suggest import did_you_mean
from pushguide.standards.builtin import BUILT_IN
from pushguide.standards.globs import problem_of
from pushguide.standards.rules import ERROR, KINDS, LEVELS, OFF, TEXTS, Rule

#: The keys that a rule of any kind may have; the kinds say what they take beside them.
_COMMON = {"kind", "level", "reason", "mend", "types", "locked"}


def _glob(pattern: str) -> str:
    why = problem_of(pattern)
    if why:
        raise ValueError(why)
    return pattern


def _level(value: object) -> object:
    """YAML takes a bare ``off`` for False."""
    return OFF if value is False else value


def _in_full(value: object) -> object:
    """A level alone stands for a rule of which nothing else is changed."""
    return {"level": value} if value is False or isinstance(value, str) else value


Pattern = Annotated[str, AfterValidator(_glob)]
Patterns = Annotated[list[Pattern], Field(max_length=200)]
Level = Annotated[Literal[LEVELS], BeforeValidator(_level)]  # type: ignore[valid-type]


class RuleChange(Strict):
    """What is said of one rule; of a rule that is not built in, all of it."""

    kind: Literal[tuple(KINDS)] | None = help_of(  # type: ignore[valid-type]
        "What the rule demands. Needed for a rule of your own, and fixed for the others.",
        "forbidden",
        default=None,
    )
    level: Level | None = help_of(
        "error refuses a deployment, warning is told, off is passed over. A rule of your own is an "
        "error if it does not say.",
        "warning",
        default=None,
    )
    reason: OneLine | None = help_of(
        "Why the rule is there. Needed for a rule of your own.",
        "It holds test data.",
        default=None,
    )
    mend: OneLine | None = help_of(
        "What to do about a finding. Needed for a rule of your own.",
        "Leave it out of the build.",
        default=None,
    )
    patterns: Patterns | None = help_of(
        "The paths that are meant.", ["/test-data/", "*.fixture"], default=None
    )
    unless: Patterns | None = help_of("Paths that are let pass.", ["/vendor/**"], default=None)
    look_into: Patterns | None = help_of(
        "The files whose first 64 KiB are looked into.", ["*.properties"], default=None
    )
    contains: Annotated[list[OneLine], Field(max_length=100)] | None = help_of(
        "The texts that are looked for in them.", ["internal.example.com"], default=None
    )
    wanted: Literal[TEXTS] | None = help_of(  # type: ignore[valid-type]
        "What the content has to be.", "lf_after_shebang", default=None
    )
    at_most: Annotated[int, Field(ge=0)] | None = help_of(
        "The largest number.", 20000, default=None
    )
    at_most_mb: Annotated[float, Field(gt=0)] | None = help_of(
        "The largest size, in MiB.", 300, default=None
    )
    types: list[OneLine] | None = help_of(
        "The project types that it holds for; all if it does not say.", ["java_web"], default=None
    )
    locked: bool | None = help_of(
        "Whether types and modules may only raise its level. For the company's rules alone.",
        True,
        default=None,
    )


RuleName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
RuleChanges = dict[RuleName, Annotated[RuleChange, BeforeValidator(_in_full)]]


class CompanyStandards(Strict):
    """What a company says of its rules, in the master's pillar under ``pushguide:standards``."""

    rules: RuleChanges = help_of(
        "For every module.", {"max-total-size": {"at_most_mb": 300}}, default={}
    )
    types: dict[OneLine, RuleChanges] = help_of(
        "For the modules of a project type.", {"java_web": {"no-keystores": "error"}}, default={}
    )


@dataclass(frozen=True)
class Layer:
    """What one place says of the rules.

    Attributes:
        path: where it stands in the pillar.
        changes: what it says.
        may_lock: whether it is the company's own: it may lock rules, and change locked ones.
    """

    path: str
    changes: Mapping[str, RuleChange]
    may_lock: bool = False


def layers(
    company: CompanyStandards, project_type: str, path: str, own: Mapping[str, RuleChange]
) -> list[Layer]:
    """What lies over the built-in rules, in the order in which it is laid.

    Args:
        company: the company's standards.
        project_type: the module's type.
        path: where the module's own stand.
        own: what the module says.
    """
    of_type = company.types.get(project_type, {})
    return [
        Layer("pushguide:standards:rules", company.rules, may_lock=True),
        Layer(f"pushguide:standards:types:{project_type}", of_type),
        Layer(path, own),
    ]


def merge(some: Sequence[Layer]) -> tuple[dict[str, Rule], list[str]]:
    """Lay what is said of the rules over those that are built in.

    Args:
        some: the layers, the strongest last.

    Returns:
        Every rule by its name, those that are off included; and every problem with its path.
    """
    rules = {one.name: one for one in BUILT_IN}
    problems: list[str] = []
    for layer in some:
        for name, change in layer.changes.items():
            values: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value
                for key, value in change.model_dump(exclude_none=True).items()
            }
            found = [*_problems(rules, name, values, layer.may_lock)]
            problems += [f"{layer.path}:{name}: {one}" for one in found]
            if found:
                continue
            fresh: dict[str, Any] = {"name": name, "level": ERROR, **values}
            rules[name] = replace(rules[name], **values) if name in rules else Rule(**fresh)
    return rules, problems


def _problems(
    rules: Mapping[str, Rule], name: str, values: Mapping[str, Any], may_lock: bool
) -> Iterator[str]:
    """What is wrong with what is said of a rule."""
    old = rules.get(name)
    if old is None and "kind" not in values:
        yield (
            f"there is no such rule; {did_you_mean(name, rules)} A rule of your own needs kind, "
            "reason and mend."
        )
        return
    kind = old.kind if old else values["kind"]
    if old and values.get("kind", kind) != kind:
        yield f"is of kind {kind}, which cannot be changed: give a rule of your own another name."
    if not may_lock and values.get("locked"):
        yield "locked is for pushguide:standards:rules alone."
    if old and old.locked and not may_lock and not _only_raises(old, values):
        yield (
            "the company has locked this rule, and only its level may be raised here. Ask for a "
            "waiver (salt-run pushguide.waive)."
        )
    yield from _problems_of_kind(kind, old, values)


def _only_raises(old: Rule, values: Mapping[str, Any]) -> bool:
    same = {key for key, value in values.items() if getattr(old, key) == value}
    level = values.get("level", old.level)
    return {*values} - same <= {"level"} and LEVELS.index(level) <= LEVELS.index(old.level)


def _problems_of_kind(kind: str, old: Rule | None, values: Mapping[str, Any]) -> Iterator[str]:
    """Which keys a kind does not take, and which it lacks."""
    needs, takes, one_of, _ = KINDS[kind]
    known = _COMMON | {*needs, *takes, *one_of}
    for key in values:
        if key not in known:
            told = ", ".join(sorted(known - _COMMON)) or "no other keys"
            yield f"a rule of kind {kind} does not take {key}; it takes {told}."

    def has(key: str) -> bool:
        return bool(values[key] if key in values else old and getattr(old, key))

    missing = [key for key in (*needs, "reason", "mend") if not has(key) and values.get(key) != 0]
    if missing:
        yield f"a rule of kind {kind} needs {', '.join(missing)}."
    if one_of and not any(map(has, one_of)):
        yield f"a rule of kind {kind} needs {' or '.join(one_of)}."
    if kind in ("forbidden", "required") and has("look_into") != has("contains"):
        yield "look_into and contains go together: which files, and what in them."
