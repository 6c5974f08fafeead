"""Strategy: how a deployment goes through its hosts, as operations write it in a template."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from pushguide.master.fields import OneLine, Seconds, Strict, help_of

_PERCENT = re.compile(r"(100|[1-9]?[0-9])(\.[0-9]+)?%\Z")

#: What a deployment may say differently from its template, unless the template says otherwise.
MAY_CHANGE = ("batch", "canary", "after_canary", "interval_seconds", "order_by")


Wait = Annotated[float, Field(ge=0, le=7 * 86400)]


def _is_share(value: object) -> bool:
    return isinstance(value, str) and bool(_PERCENT.match(value)) and float(value[:-1]) <= 100


def _is_number(value: object, at_least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= at_least


def _host_count(value: object) -> object:
    if _is_number(value, 1) or (_is_share(value) and float(str(value)[:-1]) > 0):
        return value
    raise ValueError("give a number of hosts from 1 on, or a share of them such as 25%")


def _failure_count(value: object) -> object:
    if _is_number(value, 0) or _is_share(value):
        return value
    raise ValueError("give a number of hosts, or a share of them such as 5%")


def _pause(value: object) -> object:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value == "resume" or (is_number and 0 <= float(str(value)) <= 7 * 86400):
        return value
    raise ValueError("give a number of seconds up to a week, or resume")


def _canary(value: object) -> object:
    if value is None or isinstance(value, OnePer):
        return value
    if isinstance(value, Mapping):
        grains = value.get("one_per")
        if [*value] == ["one_per"] and _are_names(grains):
            return OnePer(**value)
    elif _are_names(value):
        return value
    elif not isinstance(value, (list, tuple)):
        return _host_count(value)
    raise ValueError(
        "give a number of hosts, a share such as 5%, a list of ids, or {one_per: [grain, ...]}"
    )


def _are_names(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, str) and one and one.isprintable() for one in value)
    )


HostCount = Annotated[int | str, PlainValidator(_host_count)]
FailureCount = Annotated[int | str, PlainValidator(_failure_count)]
Pause = Annotated[float | str, PlainValidator(_pause)]


class OnePer(Strict):
    """A stratified canary: one host of each kind that there is."""

    one_per: list[OneLine] = help_of(
        "Grains: one host for each combination of their values, such as each data centre with "
        "each operating system.",
        ["datacenter", "os"],
        min_length=1,
    )


Canary = Annotated[int | str | list[str] | OnePer | None, PlainValidator(_canary)]


class Strategy(Strict):
    """How a deployment goes through its hosts."""

    prepare: Literal["all_first", "with_release"] = help_of(
        "all_first: no host goes live before every host is prepared, so that a full disk on one "
        "costs nothing. with_release: each host goes through all stages in one job, which is "
        "quicker.",
        default="all_first",
    )
    batch: HostCount = help_of(
        "How many hosts go live together: a number, or a share of all hosts, rounded down.",
        "25%",
        default="100%",
    )
    canary: Canary = help_of(
        "The hosts that go first, alone: a number, a share, a list of ids, or one for each kind "
        "of host. One that fails ends the deployment, whatever max_failures says.",
        1,
        {"one_per": ["datacenter"]},
        default=None,
    )
    after_canary: Pause = help_of(
        "What to wait for after the canary: a number of seconds, or resume for a person.",
        300,
        default="resume",
    )
    interval_seconds: Wait = help_of("The wait between two batches.", 30, default=0)
    max_failures: FailureCount = help_of(
        "How many hosts may fail: a number, or a share of all hosts, rounded down. Beyond it "
        "nothing more starts.",
        "5%",
        default=0,
    )
    order_by: list[OneLine] = help_of(
        "Grains by whose values the hosts are put in order. Hosts whose last deployment failed go "
        "first in any case.",
        ["datacenter"],
        default=[],
    )
    auto_rollback: Literal["never", "failed_hosts", "all"] = help_of(
        "What happens by itself after a failure, beside the host that puts itself back at once "
        "(restore_on_failure): nothing; the failed hosts go back; all hosts go back.",
        default="never",
    )
    rollback_to: OneLine | None = help_of(
        "The version that an automatic rollback goes to. What ran before if not given.",
        "1.4.0",
        default=None,
    )
    may_change: list[
        Literal[
            "prepare",
            "batch",
            "canary",
            "after_canary",
            "interval_seconds",
            "max_failures",
            "order_by",
            "auto_rollback",
            "rollback_to",
            "when_busy",
        ]
    ] = help_of(
        "What a deployment may say differently, as its argument strategy.",
        ["batch", "max_failures"],
        default=[*MAY_CHANGE],
    )
    blocked_by_advice: list[Literal["hour", "module", "hosts", "size", "duration"]] = help_of(
        "The warnings of the record's advice that refuse a deployment without force. A rollback "
        "is never refused by advice.",
        ["hosts"],
        default=[],
    )
    when_busy: Literal["refuse", "queue"] = help_of(
        "What becomes of a deployment while another one of the module runs.", default="refuse"
    )
    stage_timeout_seconds: Seconds = help_of(
        "How long the stages of one job may take on a host, at most. What takes longer is stopped "
        "there, and the host goes back to what ran before.",
        default=1800,
    )
    return_within_seconds: Wait = help_of(
        "How long a host that fell silent in a stage may take to come back before it counts as "
        "failed.",
        default=60,
    )
    confirm_within_seconds: Seconds | None = help_of(
        "For changes that can cut a host off from its master: the host goes back by itself unless "
        "it is confirmed within this time after the switch.",
        120,
        default=None,
    )
    confirmed_by: Literal["master", "person"] = help_of(
        "Who confirms: the master, as soon as it hears from the host, or a person "
        "(pushguide.confirm).",
        default="master",
    )


class Approval(Strict):
    """Whether somebody has to approve a deployment before it starts."""

    needed: bool = help_of("Whether an approval is needed.", default=False)
    by_another: bool = help_of(
        "Whether it has to come from somebody else than who asked for the deployment.", default=True
    )
    approvals: Annotated[int, Field(ge=1, le=10)] = help_of(
        "How many people have to approve. Where it is more than one, who asked for the deployment "
        "is none of them.",
        2,
        default=1,
    )
    by: Literal["deployer", "maintainer", "admin"] = help_of(
        "The role that it takes at the least.", default="deployer"
    )
    within_seconds: Seconds = help_of(
        "How long it may take. After that the deployment is aborted.", default=1200
    )


def changed(strategy: Strategy, wish: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Lay what a deployment wishes over the strategy of its template.

    Args:
        strategy: the template's.
        wish: the deployment's argument ``strategy``.

    Returns:
        The values to validate, and the sentences about what may not be changed.
    """
    allowed = strategy.may_change
    problems = [
        f"strategy:{key}: this module's template does not let a deployment change it (may_change: "
        f"{', '.join(allowed) or 'nothing'})."
        for key in wish
        if key in Strategy.model_fields and key not in allowed
    ]
    own = {key: getattr(strategy, key) for key in strategy.model_fields_set}
    return {**own, **wish}, problems
