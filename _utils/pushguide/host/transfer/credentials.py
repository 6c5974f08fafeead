"""What an address asks for: looked up on this host, at the moment that it is needed.

A deployment holds the name of a credential alone. What stands behind it is in the host's pillar,
``pushguide:credentials:<name>``: it travels encrypted for this host, and is in no event, no job
and no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.credential import is_form, to_headers
from pushguide.errors import StepFailed
from pushguide.host import pillar


def headers_of(name: str | None, salt: Mapping[str, Any], header: str) -> dict[str, str]:
    """The headers that a credential stands for.

    The pillar in memory is asked first; then the master, who may have put it there for this
    deployment alone.

    Args:
        name: the credential's name; None for no credential.
        salt: Salt's execution modules.
        header: ``Authorization``, or ``Proxy-Authorization`` for a proxy.

    Raises:
        StepFailed: the pillar does not have it, or it is none.
    """
    if name is None:
        return {}
    found = pillar.look_up(f"pushguide:credentials:{name}", salt)
    if not found:
        raise StepFailed(
            f"The credential {name!r} is not in this host's pillar (pushguide:credentials:{name}): "
            "put it into the master's configuration and configure the ext_pillar pushguide, or "
            "give it to the host by a pillar of your own."
        )
    if not is_form(found):
        raise StepFailed(
            f"The credential {name!r} in this host's pillar is none: give user and password, or "
            "token, or headers."
        )
    return to_headers(found, header)
