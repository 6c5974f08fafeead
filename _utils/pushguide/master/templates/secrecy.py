"""Secrets that somebody has written into a template, by how they are called and how they look.

What a template says travels in job arguments and stands in the record. So what looks like a secret
is refused, and no refusal repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pushguide.master.fields import Location

#: The parts of a template that people write values of their own into.
_PARTS = ("source", "settings", "probe", "warm_up", "drain", "transfer", "configuration", "hooks")
#: How the names of secrets end, in lower case and without what is no letter.
_NAMES = (
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "accountkey",
    "credential",
    "credentials",
    "authorization",
    "cookie",
)
#: Names that end so and are none: directories, and the names of what the master has.
_NO_NAMES = ("pwd", "oldpwd")
_NAMED_BY_THE_MASTER = ("credential", "proxy_credential")
#: What is looked for in an answer, not sent.
_EXPECTED = ("answer_headers", "text", "absent")
_PILLAR = re.compile(r"\{pillar\.[^{}\s]+\}")
#: A password in an address, or behind an equals sign as in a connection string.
_IN_TEXT = re.compile(
    r"://[^/\s:@]*:(?!\{pillar\.)[^/\s@]+@"
    r"|(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key)"
    r"\s*=\s*['\"]?[^\s'\";,&{$%]",
    re.IGNORECASE,
)


def problems_of_secrets(merged: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """What looks like a secret in a template.

    Args:
        merged: the template as it was written, with what its environment says.

    Returns:
        Of each problem its location in the template, and what it is; never the secret.
    """
    for part in _PARTS:
        for location in secrets_in(merged.get(part), (part,)):
            yield location, f"looks like a secret, and many see a template: {_way_out(location)}"


def secrets_in(value: object, location: Location = ()) -> Iterator[Location]:
    """The locations of all that looks like a secret in plain data."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key not in _EXPECTED:
                yield from secrets_in(one, (*location, key))
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value):
            yield from secrets_in(one, (*location, place))
    elif isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value)
        is_named = bool(text) and is_name_of_secret(location) and not _PILLAR.search(text)
        if is_named or _IN_TEXT.search(text):
            yield location


def is_name_of_secret(location: Location) -> bool:
    """Whether what stands at a location is a secret, by its name."""
    if location[-1:] and location[-1] in _NAMED_BY_THE_MASTER:
        return False
    names = [one for one in location if isinstance(one, str)]
    plain = re.sub(r"[^a-z]", "", names[-1].rpartition(":")[2].lower()) if names else ""
    return plain.endswith(_NAMES) and plain not in _NO_NAMES


def _way_out(location: Location) -> str:
    if location[0] in ("source", "transfer"):
        return "put it into pushguide:credentials of the master's configuration, and give its name."
    if "variables" in location and location[0] in ("hooks", "configuration"):
        return "put '{pillar.<path>}' into what the master's configuration has for the hook."
    if location[0] == "settings" and location[1:2] != ("environment",):
        return "let the program read it on the host."
    return "give '{pillar.<path>}', which each host fills in from its own pillar."
