"""A long-running process behind a live link: a Spring Boot jar, node, a Go binary."""

from __future__ import annotations

import os
import shutil
import stat
from typing import Any

from pushguide.errors import StepFailed
from pushguide.host import archive, process
from pushguide.host.base import ProjectType
from pushguide.host.control import CommandControl, Control, SystemdControl
from pushguide.host.steps import Note, also_on_failure, step, unchanged, warning


class Service(ProjectType):
    """A process that is stopped, pointed at the new release, and started again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.control = self.make_control()

    # The stages.

    def release(self) -> None:
        """Stop the old process, switch, start the new one."""
        if not self.is_live_already:
            self.stop()
            self.switch()
        self.start()

    def post_release(self) -> None:
        """Prove that the process lives, then what every type proves."""
        self.alive()
        super().post_release()

    def restore(self) -> None:
        """Stop what was started, point back, and start again what ran before."""
        with also_on_failure(self.switch_back):
            self.stop_started()
        self.settings = self.saved["settings"]
        self.control = self.make_control()
        self.start_again()
        if self.saved["ran"]:
            self.alive()
        self.probe_restored()
        self.put_back_restored()

    # What a subclass may say differently.

    def make_control(self) -> Control:
        """A systemd unit if the settings name one, else a command with a pid file."""
        unit = self.settings.get("systemd_unit")
        if unit:
            return SystemdControl(unit, self.salt)
        root = self.share.root
        return CommandControl(
            command=self.settings["command"],
            directory=os.path.join(root, "live"),
            pid_file=self.settings.get("pid_file") or os.path.join(root, "service.pid"),
            log_file=self.settings.get("log_file") or os.path.join(root, "service.log"),
            user=self.settings.get("user"),
            environment=self.environment,
        )

    def environment(self) -> dict[str, str]:
        """The variables of the settings, with what this host's pillar has for them."""
        filled: dict[str, str] = self.secrets.filled(self.settings.get("environment") or {})
        return filled

    @property
    def port(self) -> int | None:
        """The TCP port that must be free once the process is gone."""
        port = self.settings.get("port")
        return int(port) if port else None

    @property
    def stop_timeout_seconds(self) -> float:
        """How long the process may take to stop before it is forced."""
        return float(self.settings.get("stop_timeout_seconds", 30))

    # The steps.

    def runtime_is_there(self) -> str:
        """Releases can be made here, and the process can be controlled."""
        return f"{super().runtime_is_there()}; {self.control.check()}"

    def place(self, artifact: str, destination: str) -> str:
        """Unpack, or place the artifact as the one file that it is."""
        if self.settings.get("unpack", True):
            told = super().place(artifact, destination)
            self.make_executable(destination)
            return told
        os.makedirs(destination)
        name = self.settings.get("file_name") or os.path.basename(artifact)
        placed = os.path.join(destination, name)
        shutil.copyfile(artifact, placed)
        os.chmod(placed, archive.OPEN_MODE)
        return name

    def make_executable(self, release: str) -> None:
        """Make the program executable that the template names: not every archive says that it is.

        Raises:
            StepFailed: there is no such file.
        """
        program = self.settings.get("executable")
        if not program:
            return
        path = os.path.join(release, program)
        if not os.path.isfile(path):
            raise StepFailed(
                f"The artifact has no file {program}, which the template names (executable): does "
                "it hold a directory around everything?"
            )
        mode = stat.S_IMODE(os.stat(path).st_mode)
        os.chmod(path, mode | (archive.OPEN_MODE & ~archive.FILE_MODE))

    def take_state(self) -> dict[str, Any]:
        """The pointer, and whether the process ran."""
        return {**super().take_state(), "ran": self.control.pid() is not None}

    @step(changes=True)
    def stop(self) -> Note | str | None:
        """Stop the process; it is gone and its port is free, whatever its stop script says."""
        answer = self.control.stop(self.stop_timeout_seconds)
        if self.port:
            process.demand_free_port(self.port, self.stop_timeout_seconds)
        return answer

    @step(changes=True)
    def start(self) -> Note | str | None:
        """Start the process."""
        pid = self.control.pid()
        if pid:
            return unchanged(f"process {pid} runs")
        self.before_start()
        return self.control.start()

    @step(changes=False, looks=True)
    def alive(self) -> Note | str | None:
        """Prove that the process stays alive, and answers on its port if it has one."""
        port = self.port
        within = float(self.settings.get("start_timeout_seconds", 60))
        if port and not process.wait_until(
            lambda: not process.port_is_free(port) or self.control.pid() is None, within
        ):
            raise StepFailed(f"Nothing listens on port {port} {within:g} s after the start.")
        settle = float(self.settings.get("settle_seconds", 1))
        if process.wait_until(lambda: self.control.pid() is None, settle):
            raise StepFailed(
                "The process ended by itself right after its start: look at its log"
                f"{self.log_hint()}."
            )
        return f"process {self.control.pid()}" + (f" listens on {port}" if port else "")

    def log_hint(self) -> str:
        """Where the process's log is, to be put behind 'its log'."""
        path = getattr(self.control, "log_file", None)
        return f" ({path})" if path else ""

    @step(changes=True)
    def stop_started(self) -> Note | str | None:
        """Stop what the release started; what ran before may have another port than it."""
        answer = self.control.stop(self.stop_timeout_seconds)
        port = self.port
        if port and not process.wait_until(
            lambda: process.port_is_free(port), self.stop_timeout_seconds
        ):
            return warning(f"{answer}; another process listens on port {port}")
        return answer

    @step(changes=True)
    def start_again(self) -> Note | str | None:
        """Start what ran before, if it ran."""
        if not self.saved["ran"]:
            return unchanged("nothing ran before")
        self.before_start()
        return self.control.start()

    def before_start(self) -> None:
        """What has to be done while the process is down; nothing by default."""
