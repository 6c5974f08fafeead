"""What somebody has claimed of hosts, held against what runs there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pushguide.master.inventory.discovered import Runtime, same
from pushguide.master.inventory.precedence import CLAIMING, Claim, Known
from pushguide.master.templates.inventory import DISCOVERED, Fact

SAME = "same"
DIFFERS = "differs"
#: It is claimed, and nothing of the kind was found.
NOT_FOUND = "not_found"
#: It was found, and nobody claims it.
NOT_CLAIMED = "not_claimed"
#: The host does not answer, or could not be looked at.
UNKNOWN = "unknown"
OUTCOMES = (SAME, DIFFERS, NOT_FOUND, NOT_CLAIMED, UNKNOWN)
#: What somebody has to look at.
WRONG = (DIFFERS, NOT_FOUND, UNKNOWN)


def comparable(facts: Mapping[str, Fact]) -> dict[str, str]:
    """The values of a template that can be found on hosts, and what each is called there."""
    called = {name: one.discover or name for name, one in facts.items()}
    return {name: key for name, key in called.items() if key in DISCOVERED}


def compare(
    names: Mapping[str, str], known: Mapping[str, Known], runtime: Runtime
) -> dict[str, Any]:
    """One host: of each value ``outcome``, and as far as there is one ``claimed``, ``by`` and
    ``found``; and ``problem``, if nothing could be found.

    Args:
        names: the values that can be compared, and what each is called on hosts.
        known: what is said of each.
        runtime: what was found.
    """
    values = {}
    for name, key in names.items():
        claim = _claimed(known.get(name))
        found = runtime.values.get(key)
        outcome = _outcome(key, claim, found, runtime)
        if outcome:
            told = {"claimed": claim.value, "by": claim.source} if claim else {}
            heard = {"found": found} if found is not None else {}
            values[name] = {"outcome": outcome, **told, **heard}
    return {"values": values, **({"problem": runtime.problem} if runtime.problem else {})}


def counted(hosts: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many values of hosts have each outcome."""
    found = Counter(one["outcome"] for host in hosts for one in host["values"].values())
    return {one: found[one] for one in OUTCOMES}


def _claimed(known: Known | None) -> Claim | None:
    """Whose claim is believed: what was found on the host is none."""
    claims = [known.believed, *known.overruled] if known else []
    return next((one for one in claims if one.source in CLAIMING), None)


def _outcome(key: str, claim: Claim | None, found: object, runtime: Runtime) -> str | None:
    if not runtime.was_looked_at:
        return UNKNOWN
    if claim is None:
        return None if found is None else NOT_CLAIMED
    if found is None:
        return NOT_FOUND
    return SAME if same(key, claim.value, found) else DIFFERS
