"""Groups of people, where Salt's eauth gives them: pam by the system, ldap by its tree."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import salt.auth

log = logging.getLogger(__name__)


def groups_of(person: str, eauths: Sequence[str], opts: Mapping[str, Any]) -> frozenset[str]:
    """The groups of a person.

    Args:
        person: their name.
        eauths: the kinds of eauth that are asked, such as pam and ldap.
        opts: the master's opts.
    """
    if not eauths:
        return frozenset()
    auth = salt.auth.LoadAuth(dict(opts))
    found: set[str] = set()
    for eauth in eauths:
        try:
            groups = auth.get_groups({"eauth": eauth, "username": person})
        except Exception:
            # Whatever a backend raises: without its groups somebody may do less, never more.
            log.exception("Asking %s for the groups of %s failed", eauth, person)
            continue
        found |= {str(one) for one in groups or ()}
    return frozenset(found)
