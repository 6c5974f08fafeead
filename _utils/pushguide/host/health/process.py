"""Health by processes: enough of them run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pushguide.host import process
from pushguide.host.health.check import Answer, Check, Scene, healthy, inconclusive, unhealthy
from pushguide.host.windows import processes


class CannotLook(Exception):
    """Not all processes can be seen from here."""


@dataclass(kw_only=True)
class ProcessCheck(Check):
    """Processes whose command line holds a text."""

    kind: ClassVar[str] = "process"
    versioned: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    user: str | None = None
    at_least: int = 1

    def __str__(self) -> str:
        return f"for processes with {self.name!r}" + (f" of {self.user}" if self.user else "")

    def ask(self, scene: Scene) -> Answer:
        """Count them."""
        has_proc = os.name != "nt" and os.path.isdir("/proc/self")
        look = self._in_proc() if has_proc else self._by_salt(scene.salt)
        found = 0
        try:
            for _ in look:
                found += 1
        except CannotLook as err:
            # Those that were seen are enough, or the others may be.
            if found < self.at_least:
                return inconclusive(f"{found} were seen, but {err}")
        if found < self.at_least:
            return unhealthy(f"{found} run, not {self.at_least}")
        return healthy(f"{found} run")

    def _in_proc(self) -> Iterator[int]:
        uid, hidden = self._uid(), not os.path.exists("/proc/1")
        ours = {*_own_line()}
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) in ours:
                continue
            try:
                if uid is not None and os.stat(f"/proc/{name}").st_uid != uid:
                    continue
                with open(f"/proc/{name}/cmdline", "rb") as handle:
                    line = handle.read().decode("utf-8", "replace").replace("\0", " ")
            except PermissionError:
                hidden = True
                continue
            except OSError:
                continue  # it has ended meanwhile
            if self.name in line and process.is_alive(int(name)):
                yield int(name)
        if hidden:
            raise CannotLook("the minion's user may not see every process (hidepid)")

    def _uid(self) -> int | None:
        if self.user is None:
            return None
        import pwd

        try:
            return pwd.getpwnam(self.user).pw_uid
        except KeyError:
            return -1  # nobody's: none of theirs can run

    def _by_salt(self, salt: Mapping[str, Any]) -> Iterator[int]:
        """Where there is no /proc. The minion's own command line does not count there either."""
        try:
            found = salt["ps.pgrep"](self.name, user=self.user, full=True) or []
        except Exception as err:
            raise CannotLook(f"ps.pgrep cannot look here: {err!r}") from err
        ours = {os.getpid(), _parent_by_salt()}
        yield from (pid for pid in found if pid not in ours)


def _parent_by_salt() -> int | None:
    """What has started this process, if that is so still: Windows gives its number to others."""
    own, parent = processes.start_time(os.getpid()), os.getppid()
    began = processes.start_time(parent)
    return parent if own is None or (began is not None and began <= own) else None


def _own_line() -> Iterator[int]:
    """This process and those that it descends from: a salt-call has the template in its words."""
    pid = os.getpid()
    while pid > 1:
        yield pid
        pid = process.parent(pid)
