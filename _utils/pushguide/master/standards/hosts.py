"""The code standards on hosts: which rules travel there, and what the hosts answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pushguide.master.standards.verdict import judge
from pushguide.master.store.standards import Waiver
from pushguide.master.store.tables import now
from pushguide.standards.rules import Finding, Rule

#: The function of the hosts that looks at a live release.
FUNCTION = "pushguide.standards"


def rules_for_hosts(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """The rules that make sense on a host's live release, as short as they are understood."""
    return [one.for_host() for one in rules if one.on_hosts]


def judged(
    answers: Mapping[str, Any], names: Iterable[str], rules: Sequence[Rule], some: Sequence[Waiver]
) -> dict[str, dict[str, Any]]:
    """What is wrong on each host.

    Args:
        answers: what the hosts answered; those that are missing said nothing.
        names: the hosts that were asked.
        rules: the rules.
        some: the waivers.

    Returns:
        Of each host ``release``, ``version``, ``errors``, ``warnings`` and ``waived``; or
        ``problem``, where it could not be looked at.
    """
    return {name: _of_host(answers.get(name, _SILENT), rules, some) for name in names}


_SILENT = object()


def _of_host(answer: object, rules: Sequence[Rule], some: Sequence[Waiver]) -> dict[str, Any]:
    if answer is _SILENT:
        return {"problem": "it does not answer (salt-run manage.down)"}
    if answer is None:
        return {"problem": "nothing of the module is live here"}
    try:
        assert isinstance(answer, Mapping)
        by_name = {one.name: one for one in rules}
        found = [
            Finding(rule, level, path, what, by_name[rule].reason, by_name[rule].mend)
            for rule, level, path, what in answer["findings"]
        ]
        told = judge(found, some, now()).to_dict()
        del told["not_looked_into"]
        keys = ("release", "version", "entries", "complete", "count")
        return {**{key: answer[key] for key in keys}, **told}
    except (AssertionError, KeyError, TypeError, ValueError):
        return {
            "problem": f"it answered {str(answer)[:200]!r}: sync it with saltutil.sync_all, and "
            "try again"
        }
