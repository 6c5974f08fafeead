"""What a host is told about its part of a deployment.

The master makes a :class:`Share`, it travels as plain data in the job's arguments, and
the host reads it back. It holds no secret: job arguments are seen by everyone who may
read the event bus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pushguide.errors import Refused
from pushguide.words import KINDS


class Artifact(NamedTuple):
    """What CI built: one archive of one version, and how a host gets it.

    Attributes:
        version: the version label.
        url: its address, as hosts reach it.
        name: its plain file name.
        sha256: its checksum, in hexadecimal.
        size: its length in bytes.
        mirrors: other addresses of the same bytes.
        signature: the address of a detached signature, if there is one.
        credential: the name under which a host finds what the address asks for, in its pillar
            ``pushguide:credentials``.
    """

    version: str
    url: str
    name: str
    sha256: str
    size: int
    mirrors: Sequence[str] = ()
    signature: str | None = None
    credential: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Artifact:
        """Read an artifact back from plain data.

        Raises:
            TypeError: a field is missing or unknown.
        """
        return cls(**{**data, "mirrors": tuple(data.get("mirrors") or ())})


class Share(NamedTuple):
    """One host's share of the plan; the same for each host of a deployment."""

    module: str
    environment: str
    type: str
    kind: str
    deployment: int
    token: int
    version: str
    artifact: Artifact | None
    root: str
    settings: dict[str, Any]
    #: One probe, or several that all have to be healthy.
    probe: dict[str, Any] | list[dict[str, Any]] | None = None
    keep_releases: int = 3
    min_free_mb: int = 500
    fetch_timeout_seconds: int = 600
    busy_timeout_seconds: float = 0
    #: Tells deployments apart that bear the same number, should a database begin anew.
    uid: str = ""
    restore_on_failure: bool = True
    #: How long the stages of one job may take, in seconds; 0 for no bound.
    stage_timeout_seconds: float = 0
    #: How long after the switch the host waits to be confirmed before it goes back by itself.
    confirm_within_seconds: float | None = None
    #: Whether to tell the steps alone, and change nothing.
    test: bool = False
    #: Why the host is put back to what ran before, where the job is to do that.
    reason: str = ""
    warm_up: dict[str, Any] | None = None
    drain: dict[str, Any] | None = None
    #: The rules of the code standards that the live release is looked at with.
    standards: Sequence[Mapping[str, Any]] = ()
    #: By whom the artifact has to be signed, and where the public keys are; None for nobody.
    signature: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the share as plain data, fit for a job's arguments and for JSON."""
        artifact = self.artifact._asdict() if self.artifact else None
        return {**self._asdict(), "artifact": artifact}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Share:
        """Read a share back from plain data.

        Raises:
            Refused: a field is missing, unknown, or of the wrong kind.
        """
        if not isinstance(data, Mapping):
            raise Refused(f"The share is {type(data).__name__}, not a mapping: {data!r}.")
        problems = [
            f"The share has an unknown field {name!r}." for name in sorted({*data} - {*cls._fields})
        ]
        if data.get("kind") not in KINDS:
            problems.append(f"The share's kind is {data.get('kind')!r}, not one of {KINDS}.")
        if problems:
            raise Refused([*problems, _OTHER_VERSION])
        artifact = data.get("artifact")
        try:
            return cls(**{**data, "artifact": Artifact.from_dict(artifact) if artifact else None})
        except TypeError as err:
            raise Refused([f"The share does not read: {err}.", _OTHER_VERSION]) from err


_OTHER_VERSION = (
    "Master and minion may run different versions of pushguide: sync the minion with "
    "saltutil.sync_all and try again."
)
