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


class IndexAt(NamedTuple):
    """Where the index of an artifact is, and its pack.

    Attributes:
        url: the address of the index.
        sha256: the checksum of the index.
        size: its length in bytes.
        pack_url: the address of the pack.
    """

    url: str
    sha256: str
    size: int
    pack_url: str


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
        indexed: where its index is, if one was made.
    """

    version: str
    url: str
    name: str
    sha256: str
    size: int
    mirrors: Sequence[str] = ()
    signature: str | None = None
    credential: str | None = None
    indexed: IndexAt | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Artifact:
        """Read an artifact back from plain data.

        Raises:
            TypeError: a field is missing or unknown.
        """
        mirrors, at = tuple(data.get("mirrors") or ()), data.get("indexed")
        return cls(**{**data, "mirrors": mirrors, "indexed": IndexAt(**at) if at else None})

    def to_dict(self) -> dict[str, Any]:
        """The artifact as plain data."""
        return {
            **self._asdict(),
            "mirrors": list(self.mirrors),
            "indexed": self.indexed._asdict() if self.indexed else None,
        }


class Transfer(NamedTuple):
    """How a host brings an artifact to itself.

    Attributes:
        attempts: how often in a row an address may fail before it is given up.
        silence_seconds: how long a server may say nothing.
        within_seconds: how long all of it may take.
        splay_seconds: each host begins at a random moment within so many seconds.
        max_kb_per_second: the most that a host takes, in KiB a second; None for no limit.
        only_changed: whether what an archive at hand has already is left where it is.
        spread: whether hosts begin with different mirrors, and not all with the first address.
        proxy: the address of an HTTP proxy; None for what the minion's configuration says.
        proxy_credential: the name under which a host finds the proxy's credential.
    """

    attempts: int = 5
    silence_seconds: float = 60
    within_seconds: float = 3600
    splay_seconds: float = 0
    max_kb_per_second: int | None = None
    only_changed: bool = True
    spread: bool = False
    proxy: str | None = None
    proxy_credential: str | None = None


class Unpacking(NamedTuple):
    """How an artifact becomes a release directory.

    Attributes:
        unchanged: what becomes of files that the release before has: copy, reflink or hard_link.
        max_entries: the most files, directories and links.
        max_total_mb: the most that it may unpack to, in MiB.
        max_ratio: how many times its own length it may unpack to.
        user: the user that the files belong to; None for the minion's own.
        access: on Windows, of each account that gets rights its ``account`` and ``rights``.
    """

    unchanged: str = "reflink"
    max_entries: int = 200_000
    max_total_mb: int = 20 * 1024
    max_ratio: float = 100
    user: str | None = None
    access: Sequence[Mapping[str, str]] = ()


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
    transfer: dict[str, Any] = {}  # noqa: RUF012 - never changed; the fields of Transfer
    unpacking: dict[str, Any] = {}  # noqa: RUF012 - never changed; the fields of Unpacking
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
    #: The changes that are made to the files of a new release, in their order.
    configuration: Sequence[Mapping[str, Any]] = ()
    #: The hooks of each stage, in their order.
    hooks: dict[str, Any] = {}  # noqa: RUF012 - never changed
    #: The fields that are others on Windows hosts.
    windows: dict[str, Any] | None = None
    #: What the inventory says of the hosts: ``usual`` of all of them, and by host in ``hosts`` what
    #: differs from that.
    inventory: dict[str, Any] | None = None

    def here(self, kernel: object) -> Share:
        """The share as it holds on a host with this kernel, by Salt's grain of that name.

        Raises:
            Refused: what is other on Windows does not read.
        """
        if not self.windows or kernel != "Windows":
            return self
        return Share.from_dict({**self.to_dict(), **self.windows, "windows": None})

    def to_dict(self) -> dict[str, Any]:
        """Return the share as plain data, fit for a job's arguments and for JSON."""
        artifact = self.artifact.to_dict() if self.artifact else None
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
