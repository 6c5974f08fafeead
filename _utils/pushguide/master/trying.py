"""Trying: what a long-lived process does again and again, whatever comes out of it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pushguide.errors import PushguideError


def attempt(work: Callable[[], object], what: str, log: logging.Logger) -> bool:
    """Do something that is done again if it fails: a failure is logged, and comes no further.

    Args:
        work: does it.
        what: what it is, for the log.
        log: the log.

    Returns:
        Whether it went well.
    """
    try:
        work()
    except PushguideError as err:
        log.warning("%s failed, and is tried again: %s", what, err)
    except Exception:
        log.exception("%s failed, and is tried again", what)
    else:
        return True
    return False
