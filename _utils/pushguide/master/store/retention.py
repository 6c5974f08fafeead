"""Retention: what of the record is kept for a while only.

The steps of each stage on each host, with what they printed, are by far the most of it. The
deployments, their hosts, the outcomes of stages, the statistics and the audit stay for ever.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide.master.store import tables as db

#: How many deployments are looked at in one transaction.
_AT_ONCE = 5


def forget_steps(connection: Connection, before: datetime, after: int = 0) -> int | None:
    """Forget the steps of some deployments that ended long ago.

    Args:
        connection: a transaction.
        before: only of those that ended before.
        after: only of those with a larger number.

    Returns:
        The number of the last deployment that was looked at, to go on after; None at the end.
    """
    kept, step = db.deployment, db.step
    first = connection.execute(sa.select(sa.func.min(step.c.deployment_id))).scalar()
    if first is None:
        return None
    query = (
        sa.select(kept.c.id)
        .where(kept.c.id >= max(first, after + 1), kept.c.finished_at < before)
        .order_by(kept.c.id)
        .limit(_AT_ONCE)
    )
    numbers = [*connection.execute(query).scalars()]
    if not numbers:
        return None
    connection.execute(sa.delete(step).where(step.c.deployment_id.in_(numbers)))
    return int(numbers[-1])
