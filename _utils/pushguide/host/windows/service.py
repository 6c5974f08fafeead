"""The live pointer of a Windows service: the program that it is started with."""

from __future__ import annotations

import json
import ntpath
from collections.abc import Mapping, Sequence
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host.windows import scm
from pushguide.host.windows.calls import call
from pushguide.host.windows.programs import release_of
from pushguide.host.windows.scm import Scm, Setup

_DELETE_SECONDS = 30
_DAY_SECONDS = 86400


class ServiceProgram:
    """The live pointer of a Windows service: its binary path.

    Args:
        name: the service.
        executable: the program, below a release directory.
        arguments: what the program is given.
        salt: Salt's execution modules.
        scm: the service control manager.
        create: how to create the service if there is none; None to refuse that.
    """

    def __init__(
        self,
        name: str,
        executable: str,
        arguments: str,
        salt: Mapping[str, Any],
        scm: Scm,
        create: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.executable = ntpath.normpath(executable)
        self.arguments = arguments
        self.salt = salt
        self.scm = scm
        self.create = create

    def __str__(self) -> str:
        return f"service {self.name}"

    def check(self) -> None:
        """Prove that the service is there and can be changed, or may be created.

        Raises:
            StepFailed: it is missing, disabled, paused, about to be deleted, shares its process
                with others, or others that run depend on it.
        """
        setup, status = self.scm.setup(self.name), self.scm.status(self.name)
        if setup is None or status is None:
            if self.create is None:
                raise StepFailed(
                    f"There is no service {self.name} on this host: create it, or let the "
                    "template do so (create)."
                )
            return
        if setup.start_type == scm.DISABLED:
            raise StepFailed(f"The service {self.name} is disabled: enable it first.")
        if not setup.has_own_process:
            raise StepFailed(
                f"The service {self.name} has no process of its own: it cannot be given another "
                "program."
            )
        if status.state == scm.PAUSED:
            raise StepFailed(
                f"The service {self.name} is paused, and would not be so afterwards: continue or "
                "stop it first."
            )
        self.scm.demand_changeable(self.name)
        self.scm.demand_no_dependents(self.name)

    def read(self) -> str | None:
        """The release directory whose program the service runs."""
        setup = self.scm.setup(self.name)
        return release_of(scm.program_of(setup.binary_path), self.executable) if setup else None

    def point_at(self, path: str) -> None:
        """Let the service run the program of a release, and read back that it would."""
        wanted = self._command_line(path)
        setup = self.scm.setup(self.name)
        if setup is None:
            self._create(ntpath.join(path, self.executable))
        elif setup.binary_path != wanted:
            self.scm.set_binary_path(self.name, wanted)
        found = self.scm.setup(self.name)
        if found is None or found.binary_path != wanted:
            raise StepFailed(
                f"The service {self.name} was given {wanted} and has "
                f"{found and found.binary_path}: somebody else has changed it."
            )

    def to(self, path: str) -> str:
        """The saved form of the service as it is, with the program of a release: JSON."""
        return _saved(self.scm.setup(self.name), self._command_line(path))

    def save(self) -> str | None:
        """What a deployment may come to change of the service, as JSON; None if there is none."""
        setup = self.scm.setup(self.name)
        return _saved(setup, setup.binary_path) if setup else None

    def restore(self, saved: str | None) -> None:
        """Put back how the service was set up, or delete it if there was none."""
        if saved is None:
            self._delete()
            return
        wanted, found = json.loads(saved), self.scm.setup(self.name)
        if found is None:
            raise StepFailed(
                f"The service {self.name} is gone, somebody deleted it: create it, with the "
                f"program {wanted['binary_path']}."
            )
        if found.binary_path != wanted["binary_path"]:
            self.scm.set_binary_path(self.name, wanted["binary_path"])
        start = (wanted["start_type"], wanted["is_delayed"])
        if (found.start_type, found.is_delayed) != start:
            self.scm.set_start_type(self.name, *start)
        self.put_recovery_back(saved)
        if self.save() != saved:
            raise StepFailed(f"The service {self.name} was given {saved} and has {self.save()}.")

    def put_recovery_back(self, saved: str | None) -> None:
        """Put the recovery actions back, should they have been put aside and left so."""
        wanted = json.loads(saved)["recovery"] if saved else None
        found = self.scm.setup(self.name)
        if wanted and found and found.recovery != wanted:
            self.scm.set_recovery(self.name, wanted)

    def _command_line(self, path: str) -> str:
        return scm.command_line(ntpath.join(path, self.executable), self.arguments)

    def _create(self, program: str) -> None:
        given = dict(self.create or {})
        delays = given.pop("restart_after_seconds", None)
        if given.get("start_type") == "delayed":
            given.update(start_type="auto", start_delayed=True)
        given.update(bin_path=program, exe_args=self.arguments or None)
        call(self.salt, "service.create", self.name, **given)
        if delays:
            self.scm.set_recovery(self.name, _restarts(delays))

    def _delete(self) -> None:
        if self.scm.setup(self.name) is None:
            return
        if not call(self.salt, "service.delete", self.name, timeout=_DELETE_SECONDS):
            raise StepFailed(
                f"Deleting the service {self.name}, which this deployment has created, failed: it "
                f"is there {_DELETE_SECONDS} s later still. Close what has it open (services.msc, "
                "often)."
            )


def _saved(setup: Setup | None, binary_path: str) -> str:
    told = setup._asdict() if setup else {}
    kept = {key: told.get(key) for key in ("start_type", "is_delayed", "recovery")}
    return json.dumps({"binary_path": binary_path, **kept}, sort_keys=True)


def _restarts(delays: Sequence[float]) -> dict[str, Any]:
    """Recovery actions that start a service again, later each time."""
    return {
        "ResetPeriod": _DAY_SECONDS,
        "RebootMsg": None,
        "Command": None,
        "Actions": [[scm.RESTART, int(1000 * one)] for one in delays],
    }
