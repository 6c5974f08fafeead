"""Everything pushguide raises, as one tree.

::

    salt.exceptions.CommandExecutionError
    └── PushguideError            something that was attempted could not be done
        ├── Refused               bad input or a bad moment: nothing was changed
        │   ├── UnknownArgument
        │   ├── Denied            whoever asks for it may not
        │   ├── Frozen            nothing is deployed at this time
        │   ├── BadTemplate
        │   ├── BadVersion
        │   ├── Locked            another deployment has this module's environment
        │   └── Fenced            a newer deployment has been on this host
        ├── StepFailed            a step on a host did not do what it should
        │   ├── BadArchive
        │   ├── Stopped           the master told the job to stop
        │   └── Inconclusive      health was neither proven nor disproven
        ├── LeaseLost             another master drives this deployment now
        ├── MasterAway            Salt's master takes no job
        └── DatabaseError         the database is away, empty, or of another version
            └── ReadOnly          it is there and takes no writes
"""

from __future__ import annotations

from collections.abc import Sequence

from salt.exceptions import CommandExecutionError


class PushguideError(CommandExecutionError):  # type: ignore[misc]
    """Something that was attempted could not be done; the message says what and what to do."""


def problems_of(error: PushguideError) -> list[str]:
    """Every problem that an error names, one sentence each."""
    return list(getattr(error, "problems", None) or [str(error)])


class Refused(PushguideError):
    """Bad input or a bad moment: nothing was changed.

    ``problems`` holds every problem that was found, one sentence each.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("; ".join(self.problems))


class UnknownArgument(Refused):
    """An argument that the function does not take."""


class Denied(Refused):
    """Whoever asks for it may not."""


class Frozen(Refused):
    """Nothing is deployed at this time."""


class BadTemplate(Refused):
    """A template that does not validate."""


class BadVersion(Refused):
    """A version label that is not one, or that the source does not have."""


class Locked(Refused):
    """Another deployment has this module's environment."""


class Fenced(Refused):
    """A newer deployment has been on this host: the older one may not touch it any more."""


class StepFailed(PushguideError):
    """A step on a host did not do what it should."""


class BadArchive(StepFailed):
    """An archive that cannot be unpacked safely."""


class Stopped(StepFailed):
    """The master told the job to stop, and it did so between two steps."""


class Inconclusive(StepFailed):
    """Asking for health came to an end without an answer that proves or disproves it."""


class LeaseLost(PushguideError):
    """The lease of a deployment ran out: another master may drive it now."""


class MasterAway(PushguideError):
    """Salt's master takes no job: it is away, or does not let this user publish."""


class DatabaseError(PushguideError):
    """The database is away, empty, or of another version."""


class ReadOnly(DatabaseError):
    """The database is there and takes no writes: it is a replica."""
