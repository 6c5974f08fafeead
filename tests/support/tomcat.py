"""A Tomcat instance of a test's own, the web applications for it, and a client that watches."""

from __future__ import annotations

import http.client
import io
import os
import shutil
import signal
import subprocess
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.support.ports import free_port
from tests.support.waiting import wait_until

HOME = Path("/usr/share/tomcat10")

_SERVER = """<Server port="{shutdown}" shutdown="SHUTDOWN">
  <Service name="Catalina">
    <Connector port="{port}" address="127.0.0.1" protocol="HTTP/1.1"/>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps"/>
    </Engine>
  </Service>
</Server>
"""

_WEB = """<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
  <servlet>
    <servlet-name>default</servlet-name>
    <servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class>
    <load-on-startup>1</load-on-startup>
  </servlet>
  <servlet>
    <servlet-name>jsp</servlet-name>
    <servlet-class>org.apache.jasper.servlet.JspServlet</servlet-class>
    <load-on-startup>3</load-on-startup>
  </servlet>
  <servlet-mapping>
    <servlet-name>default</servlet-name>
    <url-pattern>/</url-pattern>
  </servlet-mapping>
  <servlet-mapping>
    <servlet-name>jsp</servlet-name>
    <url-pattern>*.jsp</url-pattern>
  </servlet-mapping>
  <welcome-file-list>
    <welcome-file>index.jsp</welcome-file>
  </welcome-file-list>
</web-app>
"""

#: What makes a Tomcat start in half the time.
QUICK = {
    "CATALINA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx128m "
    "-Dtomcat.util.scan.StandardJarScanFilter.jarsToSkip=*.jar"
}


def is_there() -> bool:
    """Whether this machine has Tomcat and Java."""
    return (HOME / "bin" / "catalina.sh").exists() and shutil.which("java") is not None


class Base:
    """A CATALINA_BASE with free ports."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ("conf", "logs", "temp", "webapps", "work"):
            (path / name).mkdir(parents=True)
        self.port = free_port()
        server = _SERVER.format(port=self.port, shutdown=free_port())
        (path / "conf" / "server.xml").write_text(server)
        (path / "conf" / "web.xml").write_text(_WEB)

    @property
    def log(self) -> str:
        """What Tomcat said."""
        return (self.path / "logs" / "catalina.out").read_text()

    def processes(self) -> list[int]:
        """Every process of this instance."""
        wanted = f"-Dcatalina.base={self.path}"
        found = []
        for one in psutil.process_iter(["cmdline", "status"]):
            if wanted in (one.info["cmdline"] or []):
                found.append(one.pid)
        return found

    @property
    def pid(self) -> int:
        """The one process of this instance."""
        [one] = self.processes()
        return one

    def start_by_hand(self) -> int:
        """Start it as an administrator would, without a pid file."""
        environment = {**os.environ, **QUICK, "CATALINA_BASE": str(self.path)}
        subprocess.run(
            [HOME / "bin" / "catalina.sh", "start"],
            env={**environment, "CATALINA_HOME": str(HOME)},
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )
        wait_until(lambda: "Server startup in" in self.log, "the start of Tomcat")
        return self.pid

    def end(self) -> None:
        """End all of it."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(), "the end of Tomcat")

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            response = connection.getresponse()
            body = response.read().decode()
            return Answer(response.status, body.strip(), response.getheader("Set-Cookie") or "")
        except (OSError, http.client.HTTPException) as err:
            return Answer(0, str(err), "")
        finally:
            connection.close()


class Answer(NamedTuple):
    """What came back; status 0 if nothing did."""

    status: int
    body: str
    cookie: str


class Client:
    """Asks for a page again and again from a thread, and remembers every answer."""

    def __init__(self, base: Base, path: str, interval: float = 0.03) -> None:
        self.base = base
        self.path = path
        self.interval = interval
        self.answers: list[Answer] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self) -> Client:
        self.thread.start()
        wait_until(lambda: self.answers, "a first answer")
        return self

    def __exit__(self, *_: object) -> None:
        seen = len(self.answers)
        wait_until(lambda: len(self.answers) > seen + 3, "some more answers")
        self.ended.set()
        self.thread.join()

    def _run(self) -> None:
        while not self.ended.is_set():
            self.answers.append(self.base.get(self.path))
            self.ended.wait(self.interval)

    def demand_clean_change(self, old: str, new: str) -> None:
        """Only the old one, then a restart, then only the new one."""
        kinds = [one.body if one.status == 200 else "" for one in self.answers]
        unknown = {*kinds} - {old, new, ""}
        assert not unknown, f"answers of neither version: {unknown}"
        first_new = kinds.index(new)
        last_old = len(kinds) - 1 - kinds[::-1].index(old)
        assert last_old < first_new, "the old version answered after the new one"
        odd = [place for place, kind in enumerate(kinds) if not kind]
        assert all(last_old < place < first_new for place in odd), "gaps outside of the restart"
        statuses = {self.answers[place].status for place in odd}
        # 500 is for a request that was under way while Tomcat stopped.
        assert statuses <= {0, 404, 500, 503}, statuses


def war(version: str, files: Mapping[str, str] | None = None, year: int = 2024) -> bytes:
    """A web application: a page that is compiled, a page that counts, a plain file."""
    pages = {
        "index.jsp": (
            '<%@ page session="false" contentType="text/plain" %>'
            f'version <%= "{version}" %>'
            ' greets <%= application.getInitParameter("greeting") %>'
        ),
        "visits.jsp": (
            '<%@ page contentType="text/plain" %>'
            '<% Object seen = session.getAttribute("visits");'
            "Integer visits = seen == null ? 1 : (Integer) seen + 1;"
            'session.setAttribute("visits", visits); %><%= visits %>'
        ),
        "version.txt": version,
        "WEB-INF/web.xml": (
            '<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0"'
            ' metadata-complete="true"/>'
        ),
        **(files or {}),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in pages.items():
            info = zipfile.ZipInfo(name, (year, 5, 17, 12, 0, 0))
            archive.writestr(info, content)
    return packed.getvalue()


def settings(base: Base, **more: Any) -> dict[str, Any]:
    """The settings of java_web for an instance."""
    return {
        "catalina_base": str(base.path),
        "environment": QUICK,
        "stop_timeout_seconds": 30,
        "start_timeout_seconds": 120,
        "settle_seconds": 0.1,
        **more,
    }
