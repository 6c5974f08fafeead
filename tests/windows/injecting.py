"""Deployments with faults: each call to Windows fails once, and from then on for good.

Of the former each second is made, of the latter each sixth; all of them where
PUSHGUIDE_EVERY_INJECTION is 1, as ``make test-windows`` has it.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from tests.windows.module import Module

#: How long all the deployments of one injection may take, on a busy machine.
PATIENCE_SECONDS = 1100
#: Each how manyth call fails in which way.
_ALL = os.environ.get("PUSHGUIDE_EVERY_INJECTION") == "1"
EVERY = {"once": 1 if _ALL else 2, "for good": 1 if _ALL else 6}


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
    for how, every in EVERY.items():
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
    assert calls[0] > 3, calls
    assert calls[1], calls
    assert not lost, "\n\n".join(lost)
    return ended
