"""Checking: rules applied to a listing, and what they have to look into for that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pushguide.standards import kinds
from pushguide.standards.globs import Globs
from pushguide.standards.kinds import Facts
from pushguide.standards.listing import Entry, Listing
from pushguide.standards.rules import WARNING, Finding, Rule

#: How many findings of one rule are told one by one.
MOST_FINDINGS = 500

#: The kinds that make sense where the listing did not read to its end.
_OF_THE_UNREADABLE = ("readable", "probe")


def check(rules: Iterable[Rule], listing: Listing, facts: Facts) -> list[Finding]:
    """What the rules find in a listing.

    Args:
        rules: those that hold here.
        listing: what was listed.
        facts: what rules may ask beside it.
    """
    findings = []
    for rule in rules:
        if not listing.unreadable or rule.kind in _OF_THE_UNREADABLE:
            findings += _findings(rule, listing, facts)
    return findings


def _findings(rule: Rule, listing: Listing, facts: Facts) -> list[Finding]:
    found = list(kinds.CHECKS[rule.kind](rule, listing, facts))
    told = [
        Finding(rule.name, _level(rule, listing), path, what, rule.reason, rule.mend)
        for path, what in found[:MOST_FINDINGS]
    ]
    if len(found) > MOST_FINDINGS:
        more = f"holds {len(found) - MOST_FINDINGS} more of the kind"
        told.append(Finding(rule.name, rule.level, "", more, rule.reason, rule.mend))
    return told


def _level(rule: Rule, listing: Listing) -> str:
    """The level of a rule's findings: what could not be looked into proves no error."""
    if rule.kind == "required" and any(
        one.path in listing.unseen for one in kinds.looked_into(rule, listing)
    ):
        return WARNING
    return rule.level


def to_look_into(rules: Iterable[Rule], entries: Sequence[Entry]) -> list[Entry]:
    """The files whose beginning the rules need, those that matter most first.

    Args:
        rules: those that hold.
        entries: everything that is there; what is required and there by name needs no look.
    """
    listing = Listing(list(entries))
    wanted: dict[str, Entry] = {}
    for rule in rules:
        if rule.kind == "required" and kinds.is_there(rule, listing):
            continue
        for one in kinds.looked_into(rule, listing):
            wanted.setdefault(one.path, one)
    return list(wanted.values())


def may_be_looked_into(rules: Iterable[Rule]) -> Globs:
    """What the rules may have to look into, told before the entries are known."""
    return Globs(pattern for rule in rules for pattern in rule.look_into)
