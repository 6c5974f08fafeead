"""Deployments with faults: each call to Windows fails once, and from then on for good.

Of the latter each fourth is made, and all of them where PUSHGUIDE_EVERY_INJECTION is 1.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from tests.windows.module import Module

#: How long all the deployments of one injection may take, on a busy machine.
PATIENCE_SECONDS = 1100
EVERY = 1 if os.environ.get("PUSHGUIDE_EVERY_INJECTION") == "1" else 4


def inject(
    module: Module, capsys: pytest.CaptureFixture[str], function: str, *known: Any, **changes: Any
) -> Counter[str]:
    """Deploy 1.1 with each fault, and fail if one of them is lost.

    Args:
        module: what is deployed.
        capsys: where the line about it goes by.
        function: what runs them all there.
        known: what it has to know of the module.
        changes: fields of the share; ``within`` names the function that faults are within.

    Returns:
        How often what came of it.
    """
    within = changes.pop("within", "")
    share = module.share("1.1", **changes)
    calls, lost, ended = [], [], Counter[str]()
    for how, every in (("once", 1), ("for good", EVERY)):
        told = module.windows.call_within(
            PATIENCE_SECONDS, function, share, *known, how=how, within=within, every=every
        )
        calls.append(told["calls"])
        lost += told["lost"]
        ended.update(told["ended"])
    with capsys.disabled():
        print(  # noqa: T201
            f"\ninjections: {calls[0]} calls once, {calls[1]} for good, lost {len(lost)}"
        )
    assert calls[0] > 5, calls
    assert calls[1] >= calls[0] // EVERY, calls
    assert not lost, "\n\n".join(lost)
    return ended
