"""The words that master and hosts share, each standing once."""

from __future__ import annotations

#: The stages of a deployment, in the order in which every host goes through them.
STAGES = ("prepare", "pre_release", "release", "post_release")

#: The stages that touch live traffic: a host goes through them together with its batch.
LIVE_STAGES = STAGES[1:]

#: What a deployment is for.
KINDS = ("deploy", "rollback", "redeploy")

#: How a step or a stage ended on a host.
SUCCEEDED = "succeeded"
UNCHANGED = "unchanged"
SKIPPED = "skipped"
WARNING = "warning"
FAILED = "failed"

#: Whether the release is healthy could not be told: it stays, and the stage can be run again.
INCONCLUSIVE = "inconclusive"

#: How a deployment ended for a host, besides SUCCEEDED and FAILED.
RESTORED = "restored"
UNKNOWN = "unknown"
NOT_STARTED = "not_started"
LEFT_OUT = "left_out"
UNDER_WAY = "under_way"

#: What UNDER_WAY becomes when the deployment ends: some stages succeeded, and no more came.
STOPPED_SHORT = "stopped_short"

#: What a step, a stage and a host come to if a probe could not tell health from sickness.
INCONCLUSIVE = "inconclusive"

#: Step and stage outcomes that let a deployment go on.
GOOD_OUTCOMES = (SUCCEEDED, UNCHANGED, SKIPPED, WARNING)

#: The stage name under which a host reports how it went back to what ran before.
RESTORE = "restore"

#: The step in which a host waits to hear that it can still be reached.
AWAIT_CONFIRMATION = "await_confirmation"

#: Marks of a release on a host.
GOOD = "good"
BAD = "bad"
UNPROVEN = "unproven"
UNFINISHED = "unfinished"
