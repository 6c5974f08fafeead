"""What servers ask for: the key ``pushguide:credentials`` of the master's configuration.

Templates and deployments hold the name of a credential alone. What stands behind it goes to the
server that it is meant for, and by pillar to hosts that fetch from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.credential import is_form
from pushguide.master.fields import NAME_PATTERN


def read(given: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Read ``credentials``, and tell every problem; no problem repeats a secret.

    Args:
        given: the key ``pushguide`` of the master's configuration.

    Returns:
        Of each name what stands behind it, and the problems.
    """
    values = given.get("credentials") or {}
    where = "pushguide:credentials in the master's configuration"
    if not isinstance(values, Mapping):
        return {}, [f"{where} is not a mapping of names."]
    found: dict[str, dict[str, Any]] = {}
    problems = []
    for name, value in values.items():
        if not isinstance(name, str) or not NAME_PATTERN.match(name):
            problems.append(
                f"{where}: {name!r} is no name: letters, digits, '.', '_' and '-', 64 at the most."
            )
        elif not _is_credential(value):
            problems.append(
                f"{where}: {name} is none: give user and password, or token, or headers (a "
                "mapping), each one line of text."
            )
        else:
            found[name] = {key: one if key == "headers" else str(one) for key, one in value.items()}
    return found, problems


def _is_credential(value: object) -> bool:
    if not isinstance(value, Mapping) or not is_form(value):
        return False
    headers = value.get("headers", {})
    if not isinstance(headers, Mapping):
        return False
    lines = [*value.values(), *headers, *headers.values()]
    return all(_is_line(one) for one in lines if one is not headers)


def _is_line(value: object) -> bool:
    return isinstance(value, str | int) and bool(str(value)) and str(value).isprintable()
