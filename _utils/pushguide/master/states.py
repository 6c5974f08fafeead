"""The states of a deployment, and which may follow which: one table, here."""

from __future__ import annotations

from pushguide.errors import Refused

#: The kinds of a deployment.
KINDS = ("deploy", "rollback", "redeploy")

PENDING_APPROVAL = "pending_approval"
SCHEDULED = "scheduled"
QUEUED = "queued"
RUNNING = "running"
PAUSED = "paused"
SUCCEEDED = "succeeded"
FAILED = "failed"
ROLLED_BACK = "rolled_back"
ABORTED = "aborted"

TRANSITIONS: dict[str, frozenset[str]] = {
    PENDING_APPROVAL: frozenset({SCHEDULED, QUEUED, ABORTED}),
    SCHEDULED: frozenset({QUEUED, ABORTED}),
    QUEUED: frozenset({RUNNING, ABORTED}),
    RUNNING: frozenset({PAUSED, SUCCEEDED, FAILED, ROLLED_BACK, ABORTED}),
    PAUSED: frozenset({RUNNING, ABORTED}),
    SUCCEEDED: frozenset(),
    # Its linked rollback has put back every host that it had touched.
    FAILED: frozenset({ROLLED_BACK}),
    ROLLED_BACK: frozenset(),
    ABORTED: frozenset(),
}

#: Nothing drives a deployment any more that has come to one of these.
TERMINAL = frozenset({SUCCEEDED, FAILED, ROLLED_BACK, ABORTED})


def demand_transition(deployment: int, old: str, new: str) -> None:
    """Refuse a change of state that the table does not have.

    Raises:
        Refused: naming the states that may follow.
    """
    if new not in TRANSITIONS[old]:
        may = ", ".join(sorted(TRANSITIONS[old])) or "nothing: it has ended"
        raise Refused(f"Deployment #{deployment} is {old}: {new} cannot follow (only {may}).")
