"""Releases that nobody has confirmed, on hosts whose job died while it waited."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from pushguide.errors import PushguideError
from pushguide.host import journal as journals
from pushguide.host.orders import is_busy
from pushguide.words import RESTORE

log = logging.getLogger(__name__)


def settle(opts: Mapping[str, Any], salt: Mapping[str, Any]) -> dict[str, str]:
    """Go back from releases whose time to be confirmed has passed, with no job that waits for it.

    Args:
        opts: the minion's configuration.
        salt: Salt's execution modules.

    Returns:
        Of each such module, as ``module@environment``, how that ended.
    """
    done = {}
    for one in journals.read_all(opts):
        waiting = one.unconfirmed
        if waiting is None or time.time() < float(waiting["until"]):
            continue
        if is_busy(opts, one.module, one.environment):
            continue
        name = f"{one.module}@{one.environment}"
        try:
            share = {**waiting["share"], "token": one.token}
            done[name] = salt[f"pushguide_{one.type}.run"](share=share, stages=[RESTORE])["outcome"]
        except PushguideError as err:
            log.error("Going back from an unconfirmed release of %s failed: %s", name, err)
            done[name] = str(err)
    return done
