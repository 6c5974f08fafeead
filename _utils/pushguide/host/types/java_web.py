"""A Java web application on Tomcat, one CATALINA_BASE for each module.

The release is live when the context descriptor ``conf/<engine>/<host>/<context>.xml`` names
its directory as docBase. Tomcat counts a changed docBase only after a restart, so the
release stops Tomcat, changes the descriptor, and starts it again.

Tomcat is started by its own script and stopped by SIGTERM, on which it shuts down in good
order, and for certain: ``catalina.sh stop`` signals whatever process has the number that the
pid file holds, and Tomcat then waits for every thread that an application left behind.

Source of the facts: Tomcat 10 documentation, "The Context Container", "RUNNING.txt"
(CATALINA_BASE, CATALINA_PID) and bin/catalina.sh.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from typing import Any
from xml.sax.saxutils import quoteattr

from pushguide.errors import StepFailed
from pushguide.host import process
from pushguide.host.control import Control
from pushguide.host.journal import flush_directory, replace_file
from pushguide.host.pillar import Secrets
from pushguide.host.pointer import Pointer
from pushguide.host.types.service import Service

_OWN_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ")
_MAIN_CLASS = "org.apache.catalina.startup.Bootstrap"


class JavaWeb(Service):
    """A WAR on Tomcat."""

    def make_pointer(self) -> Pointer:
        """The context descriptor of the application."""
        return ContextDescriptor(self.tomcat.descriptor_path)

    def make_control(self) -> Control:
        """Tomcat's own script, or the systemd unit that runs it."""
        return super().make_control() if self.settings.get("systemd_unit") else self.tomcat

    def runtime_is_there(self) -> str:
        """Releases can be made here, and Tomcat and its base are here too."""
        return f"{super().runtime_is_there()}; {self.tomcat.check()}"

    def before_start(self) -> None:
        """Forget what Tomcat compiled out of another release's pages."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.tomcat.compiled_dir)

    @property
    def tomcat(self) -> Tomcat:
        """The Tomcat of this module."""
        return Tomcat(self.settings, self.secrets)

    @property
    def port(self) -> int | None:
        """The connector's port: from the settings, or out of conf/server.xml."""
        return super().port or self.tomcat.connector_port()

    def log_hint(self) -> str:
        """Where Tomcat writes what it says while it starts."""
        return f" ({self.tomcat.log_file})"


class ContextDescriptor:
    """The file that tells Tomcat where an application is.

    Only docBase is read, changed and saved: what else stands there may be secret.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __str__(self) -> str:
        return self.path

    def check(self) -> None:
        """Prove that the descriptor can be written.

        Raises:
            StepFailed: its directory cannot be made or written.
        """
        directory = os.path.dirname(self.path)
        try:
            os.makedirs(directory, exist_ok=True)
        except OSError as err:
            raise StepFailed(f"Making {directory} for Tomcat's context failed: {err}.") from err
        if not os.access(directory, os.W_OK):
            raise StepFailed(f"{directory} is not writable for the minion.")

    def read(self) -> str | None:
        """The docBase that the descriptor names."""
        return self.save() or None

    def point_at(self, path: str) -> None:
        """Name ``path`` as docBase, keeping what else stands in the descriptor."""
        self.restore(path)
        if self.read() != path:
            raise StepFailed(f"{self.path} was written with {path} and reads {self.read()}.")

    def to(self, path: str) -> str:
        """The saved form of a descriptor with ``path`` as docBase."""
        return path

    def save(self) -> str | None:
        """The docBase; empty in a descriptor without one, None if there is no descriptor."""
        text = self._text()
        if text is None:
            return None
        try:
            return ET.fromstring(text).get("docBase", "")  # noqa: S314
        except ET.ParseError as err:
            raise StepFailed(f"Reading {self.path} failed: {err}. Mend or remove it.") from err

    def restore(self, saved: str | None) -> None:
        """Put the docBase back, or remove the descriptor if there was none."""
        text = self._text()
        if saved is not None:
            replace_file(self.path, _with_doc_base(_EMPTY if text is None else text, saved))
        elif text is not None:
            os.remove(self.path)
            flush_directory(os.path.dirname(self.path))

    def _text(self) -> str | None:
        try:
            with open(self.path, encoding="utf-8", newline="") as handle:
                return handle.read()
        except FileNotFoundError:
            return None


_EMPTY = '<?xml version="1.0" encoding="UTF-8"?>\n<Context/>\n'
_OPENING = re.compile(r"""<!--.*?-->|(?P<tag><Context\b(?:[^>"']|"[^"]*"|'[^']*')*>)""", re.DOTALL)
_DOC_BASE = re.compile(r"""\s+docBase\s*=\s*("[^"]*"|'[^']*')""")


def _with_doc_base(text: str, path: str) -> str:
    """Change docBase alone: comments and resources that operations wrote stay as they are."""
    opening = next((one for one in _OPENING.finditer(text) if one["tag"]), None)
    if opening is None:
        raise StepFailed("The context descriptor has no <Context> element: mend or remove it.")
    attribute = f" docBase={quoteattr(path)}" if path else ""
    tag, count = _DOC_BASE.subn(lambda _: attribute, opening["tag"], 1)
    if not count:
        tag = tag.replace("<Context", f"<Context{attribute}", 1)
    return text[: opening.start()] + tag + text[opening.end() :]


class Tomcat:
    """One Tomcat instance, known by its CATALINA_BASE.

    Args:
        settings: the settings of the template's type.
        secrets: what is filled in of this host's pillar.
    """

    def __init__(self, settings: dict[str, Any], secrets: Secrets | None = None) -> None:
        self.settings = settings
        self.secrets = secrets or Secrets({})
        self.base = str(settings["catalina_base"]).rstrip("/")
        self.home = str(settings.get("catalina_home") or "/usr/share/tomcat10").rstrip("/")
        self.script = os.path.join(self.home, "bin", "catalina.sh")
        self.pid_file = os.path.join(self.base, "temp", "catalina.pid")
        self.log_file = os.path.join(self.base, "logs", "catalina.out")

    @property
    def context(self) -> str:
        """The context's name: ROOT, or the path with # for slashes."""
        path = str(self.settings.get("context_path") or "/").strip("/")
        return path.replace("/", "#") or "ROOT"

    @property
    def descriptor_path(self) -> str:
        """Where the context's descriptor is."""
        return os.path.join(self.base, "conf", *self._virtual_host, f"{self.context}.xml")

    @property
    def compiled_dir(self) -> str:
        """Where Tomcat keeps what it compiled out of the context's pages.

        Beside it, in the context's work directory, sessions may wait for the restart.
        """
        return os.path.join(self.base, "work", *self._virtual_host, self.context, "org")

    @property
    def _virtual_host(self) -> tuple[str, str]:
        settings = self.settings
        return settings.get("engine") or "Catalina", settings.get("virtual_host") or "localhost"

    def check(self) -> str:
        """Prove that Tomcat and a base for it are here.

        Raises:
            StepFailed: something is missing.
        """
        server = os.path.join(self.base, "conf", "server.xml")
        for path, what in (
            (self.script, "Tomcat is not installed there (catalina_home)"),
            (server, "there is no Tomcat instance there (catalina_base)"),
        ):
            if not os.path.isfile(path):
                raise StepFailed(
                    f"{path} is missing: {what}. Install Tomcat and make its base, with your "
                    "configuration management, or correct the template."
                )
        for directory in (os.path.dirname(self.pid_file), os.path.dirname(self.log_file)):
            if not os.access(directory, os.W_OK):
                raise StepFailed(
                    f"{directory}, which Tomcat needs, is missing or not writable: make it, as a "
                    "part of the Tomcat instance."
                )
        if not self._java():
            raise StepFailed(
                "No java was found: install a Java runtime, or set java_home in the template."
            )
        process.identity(self.settings.get("user"))
        return f"Tomcat in {self.base}"

    def _java(self) -> str | None:
        home = self.settings.get("java_home")
        if home:
            path = os.path.join(home, "bin", "java")
            return path if os.access(path, os.X_OK) else None
        return shutil.which("java")

    def connector_port(self) -> int | None:
        """The port of the first HTTP connector in conf/server.xml."""
        try:
            tree = ET.parse(os.path.join(self.base, "conf", "server.xml"))  # noqa: S314
        except (OSError, ET.ParseError):
            return None
        for connector in tree.getroot().iter("Connector"):
            port = connector.get("port") or ""
            if port.isdigit() and "AJP" not in (connector.get("protocol") or ""):
                return int(port)
        return None

    def pid(self) -> int | None:
        """Tomcat's process, found by its catalina.base: pid files lie after a crash."""
        return next(process.find(f"-Dcatalina.base={self.base}", _MAIN_CLASS, "start"), None)

    def start(self) -> str:
        """Start Tomcat."""
        running = self.pid()
        if running:
            return f"process {running} runs already"
        # The script takes any process with the number in an old pid file for Tomcat.
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.pid_file)
        self._run("start", seconds=60)
        if not process.wait_until(lambda: self.pid() is not None, 10):
            raise StepFailed(f"Starting Tomcat failed: no process. Look at {self.log_file}.")
        return f"process {self.pid()}"

    def stop(self, grace_seconds: float) -> str:
        """Stop Tomcat, by force if need be; its process is gone afterwards."""
        pid = self.pid()
        if pid is None:
            return "was not running"
        return f"process {pid} {process.terminate(pid, grace_seconds)}"

    def _run(self, *arguments: str, seconds: float) -> None:
        """Run catalina.sh, as the user of the settings, with a bound."""
        environment = {
            name: os.environ[name] for name in _OWN_ENVIRONMENT if name in os.environ
        } | {
            "CATALINA_HOME": self.home,
            "CATALINA_BASE": self.base,
            "CATALINA_PID": self.pid_file,
            **self.secrets.filled(self.settings.get("environment") or {}),
        }
        if self.settings.get("java_home"):
            environment["JAVA_HOME"] = self.settings["java_home"]
        try:
            done = subprocess.run(  # noqa: S603 - no shell; paths from the template
                [self.script, *arguments],
                cwd=self.base,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
                start_new_session=True,
                **process.identity(self.settings.get("user")),
            )
        except (OSError, subprocess.TimeoutExpired) as err:
            raise StepFailed(f"catalina.sh {' '.join(arguments)} failed: {err}") from err
        if done.returncode:
            said = done.stdout.decode("utf-8", "replace").strip()[-1000:]
            raise StepFailed(f"catalina.sh {' '.join(arguments)} exited {done.returncode}: {said}")
