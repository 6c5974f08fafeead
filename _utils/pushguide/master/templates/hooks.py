"""What a template says about hooks: names that operations have allowed, and values for their
variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, JsonValue, ValidationInfo

from pushguide.master.fields import (
    Bounded,
    Location,
    OneLine,
    Seconds,
    Strict,
    help_of,
    known_name,
)
from pushguide.master.hooks import Hook
from pushguide.master.suggest import did_you_mean
from pushguide.words import STAGES

_PREPARE = STAGES[0]
#: The record keeps 64 characters of the name of a step, which is ``hook <name>``.
_MOST_OF_NAME = 64 - len("hook ")


def _is_allowed(name: str, info: ValidationInfo) -> str:
    return known_name(name, "hooks", info)


def _fits_a_step(name: str) -> str:
    if len(name) > _MOST_OF_NAME:
        raise ValueError(f"a hook of a stage has a name of {_MOST_OF_NAME} characters at the most")
    return name


HookName = Annotated[OneLine, Bounded("hooks"), AfterValidator(_is_allowed)]
StepName = Annotated[HookName, AfterValidator(_fits_a_step)]


class HookUse(Strict):
    """A hook that is run."""

    hook: HookName = help_of(
        "A name out of pushguide:hooks in the master's configuration.", "warm-cdn"
    )
    variables: dict[str, JsonValue] = help_of(
        "Values for the variables that the hook has there.", {"paths": "/shop/"}, default={}
    )
    timeout_seconds: Seconds = help_of(
        "How long its command may take; then it is ended, with what it has started.", default=60
    )


class StageHook(HookUse):
    """A hook that takes part in a stage."""

    hook: StepName = help_of(
        "A name out of pushguide:hooks in the master's configuration.", "warm-cdn"
    )
    undo: StepName | None = help_of(
        "The hook that undoes it where a host is put back. Not in prepare.",
        "resume-jobs",
        default=None,
    )
    forward_only: bool = help_of("Whether it is skipped in a rollback.", default=False)


def _named(given: Any) -> Any:
    return {"hook": given} if isinstance(given, str) else given


#: A name alone, or a mapping.
AnyHook = Annotated[StageHook, BeforeValidator(_named, json_schema_input_type=OneLine | StageHook)]


class Hooks(Strict):
    """Hooks that take part in the stages, on each host"""

    prepare: list[AnyHook] = help_of(
        "When the release is there; live traffic is not touched.", ["fetch-models"], default=[]
    )
    pre_release: list[AnyHook] = help_of(
        "When the host is out of its load balancer.",
        [{"hook": "hold-jobs", "undo": "resume-jobs"}],
        default=[],
    )
    release: list[AnyHook] = help_of(
        "When the new release is live and started.",
        [{"hook": "migrate", "forward_only": True}],
        default=[],
    )
    post_release: list[AnyHook] = help_of(
        "When the probes have answered, before the host is put back.", ["resume-jobs"], default=[]
    )


def problems_of_hooks(
    merged: Mapping[str, Any], known: Mapping[str, Hook]
) -> Iterator[tuple[Location, str]]:
    """What is wrong with the variables of a template's hooks, and with what stands beside them.

    Args:
        merged: the template as it was written, with what its environment says.
        known: the hooks of the master's configuration.

    Returns:
        Of each problem its location in the template, and what it is.
    """
    for location, given in _uses(merged):
        hooks = {
            key: known[name]
            for key in ("hook", "undo")
            if isinstance(name := given.get(key), str) and name in known
        }
        yield from _problems_of_variables(location, given, hooks)
        if location[1] == _PREPARE and given.get("undo") is not None:
            told = "nothing of prepare is undone: let a later stage do what has to be."
            yield (*location, "undo"), told
        if "timeout_seconds" in given and hooks and not any(h.is_command for h in hooks.values()):
            told = "a function cannot be ended: this is for commands alone."
            yield (*location, "timeout_seconds"), told


def _uses(merged: Mapping[str, Any]) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    hooks = merged.get("hooks")
    stages = hooks.items() if isinstance(hooks, Mapping) else ()
    changes = merged.get("configuration")
    found = [(("hooks", stage), listed) for stage, listed in stages if stage in STAGES]
    for location, listed in [*found, (("configuration",), changes)]:
        for place, one in enumerate(listed if isinstance(listed, list) else ()):
            given = _named(one) if location[0] == "hooks" else one
            if isinstance(given, Mapping) and "hook" in given:
                yield (*location, place), given


def _problems_of_variables(
    location: Location, given: Mapping[str, Any], hooks: Mapping[str, Hook]
) -> Iterator[tuple[Location, str]]:
    values = given.get("variables", {})
    if "hook" not in hooks or not isinstance(values, Mapping):
        return  # the model has told it
    declared = {name for hook in hooks.values() for name in hook.variables}
    for name in values:
        if name not in declared:
            told = f"{given['hook']} has no such variable; {did_you_mean(str(name), declared)}"
            yield (*location, "variables", name), told
    problems = {
        (name, f"{problem.removesuffix('.')} (pushguide:hooks:{given[key]}:variables).")
        for key, hook in hooks.items()
        for name, problem in hook.problems_of(values)
    }
    for name, problem in sorted(problems):
        yield (*location, "variables", name), problem
