"""The events that people may be told of: one list, which record, rules and texts share."""

from __future__ import annotations

from pushguide.master import states

WAITING_FOR_APPROVAL = "waiting_for_approval"
SCHEDULED = "scheduled"
QUEUED = "queued"
STARTED = "started"
PAUSED = "paused"
RESUMED = "resumed"
SUCCEEDED = "succeeded"
FAILED = "failed"
ROLLED_BACK = "rolled_back"
ABORTED = "aborted"
UNCLEAR = "unclear"
FREEZE_OVERRIDDEN = "freeze_overridden"
QUARANTINED = "quarantined"
UNQUARANTINED = "unquarantined"
HOST_DOWN = "host_down"
HOST_UP = "host_up"

#: Each event, and what it is in words.
EVENTS = {
    WAITING_FOR_APPROVAL: "a deployment waits for somebody to approve it",
    SCHEDULED: "a deployment waits for its time",
    QUEUED: "a deployment was written down, and begins or waits for its turn",
    STARTED: "a deployment has begun",
    PAUSED: "a deployment stands still, and somebody has to look",
    RESUMED: "a deployment that stood still goes on",
    SUCCEEDED: "a deployment has succeeded",
    FAILED: "a deployment has failed",
    ROLLED_BACK: "a deployment has failed, and its hosts run again what they ran before",
    ABORTED: "a deployment was aborted, rejected, or came too late",
    UNCLEAR: "a deployment has ended, and what some hosts run is not known",
    FREEZE_OVERRIDDEN: "a deployment goes on although it is frozen",
    QUARANTINED: "a host is left out of deployments from now on",
    UNQUARANTINED: "deployments have a host again",
    HOST_DOWN: "hosts do not answer any more",
    HOST_UP: "hosts answer again",
}

#: What the state of a deployment is told as.
_OF_STATES = {
    states.PENDING_APPROVAL: WAITING_FOR_APPROVAL,
    states.SCHEDULED: SCHEDULED,
    states.QUEUED: QUEUED,
    states.RUNNING: STARTED,
    states.PAUSED: PAUSED,
    states.SUCCEEDED: SUCCEEDED,
    states.FAILED: FAILED,
    states.ROLLED_BACK: ROLLED_BACK,
    states.ABORTED: ABORTED,
}


def of_change(old: str | None, new: str) -> str:
    """The event of a deployment's change of state.

    Args:
        old: its state before; None for one that was just written down.
        new: its state now.
    """
    if (old, new) == (states.PAUSED, states.RUNNING):
        return RESUMED
    return _OF_STATES[new]
