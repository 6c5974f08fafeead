"""The door: how Salt's loader comes into the master's side.

Salt loads every runner, state and pillar module that it finds, at each salt-run of anybody.
So what they import is this file, and SQLAlchemy, pydantic and the rest are only imported once a
function of ours is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from pushguide.errors import PushguideError, Refused, problems_of
from pushguide.master import pace

if TYPE_CHECKING:
    from pushguide.master.desk import Desk


def answer(
    function: Callable[..., Any],
    unknown: Mapping[str, Any],
    work: Callable[[Desk], Any],
    opts: Mapping[str, Any],
    salt: Mapping[str, Any],
    context: MutableMapping[str, Any],
    user: str,
    about: Mapping[str, Any],
) -> Any:
    """Answer a call of a public runner function with plain data, whatever happens.

    Args:
        function: the function.
        unknown: the arguments that it does not take; they are refused.
        work: what to do at the desk.
        opts: the master's opts.
        salt: the runner's ``__salt__``.
        context: the runner's ``__context__``; its ``retcode`` is how Salt learns of a failure.
        user: who calls, by Salt.
        about: what the call is about: its arguments, as far as they say so.

    Returns:
        What the work answers. An error becomes ``refused`` (nothing was changed) or ``failed``,
        with ``problems`` and ``retcode`` 1.
    """
    pace.spare_the_collector()
    from pushguide.master.arguments import refuse_unknown
    from pushguide.master.desk import Desk

    try:
        refuse_unknown(function, unknown)
        done = Desk(opts, salt, user).serve(function.__name__, about, work)
    except PushguideError as err:
        key = "refused" if isinstance(err, Refused) else "failed"
        done = {key: function.__name__, "problems": problems_of(err), "retcode": 1}
    if isinstance(done, dict) and done.get("retcode"):
        context["retcode"] = done["retcode"]
    return done


def stage(
    name: str, deployment: int, stages: str | Sequence[str], batch: int, test: bool
) -> dict[str, Any]:
    """The state ``pushguide.stage``; see :func:`pushguide.master.rollout.stage.stage`."""
    try:
        from pushguide.master.rollout.stage import stage as run
    except ImportError as err:
        return {
            "name": name,
            "result": False,
            "changes": {},
            "comment": f"pushguide.stage works in an orchestration, on a master ({err}).",
        }
    return run(name, deployment, stages, batch, test)


def pillar_of(opts: Mapping[str, Any], minion_id: str) -> dict[str, Any]:
    """The ext_pillar of one minion; see :func:`pushguide.master.live.pillar_of`."""
    from pushguide.master.live import pillar_of as of

    return of(opts, minion_id)


def engine(opts: Mapping[str, Any], interval_seconds: float) -> None:
    """The engine; see :func:`pushguide.master.watch.engine.run`."""
    from pushguide.master.deployments import drive_in_background
    from pushguide.master.watch.engine import run

    run(opts, interval_seconds, lambda number: drive_in_background(opts, number))
