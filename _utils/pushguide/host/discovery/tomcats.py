"""Tomcats that run on this host, each known by its CATALINA_BASE.

Source: bin/catalina.sh of Tomcat 10, which starts ``java ... -Dcatalina.base=...
-Dcatalina.home=... org.apache.catalina.startup.Bootstrap ... start``.
"""

from __future__ import annotations

import glob
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import Any

from pushguide.host.discovery.processes import Process
from pushguide.host.discovery.roots import Roots
from pushguide.host.types.java_web import Tomcat

_MAIN_CLASS = "org.apache.catalina.startup.Bootstrap"
_MAX_HEAP = re.compile(r"-Xmx(\d+[kKmMgGtT]?)\Z")
_VERSION = re.compile(r'^JAVA_VERSION="([\w.+-]{1,40})"$', re.MULTILINE)
_MOST_BYTES = 256 * 1024


def tomcats(processes: Iterable[Process], roots: Roots) -> list[dict[str, Any]]:
    """The Tomcats among some processes."""
    return [_told(one, roots) for one in processes if is_tomcat(one)]


def is_tomcat(process: Process) -> bool:
    """Whether a process is a Tomcat."""
    return _MAIN_CLASS in process.arguments and bool(_property(process.arguments, "catalina.base"))


def _told(process: Process, roots: Roots) -> dict[str, Any]:
    base = _property(process.arguments, "catalina.base").rstrip("/")
    home = _property(process.arguments, "catalina.home").rstrip("/")
    java_home = _java_home(process.executable)
    sizes = [found for found in map(_MAX_HEAP.match, process.arguments) if found]
    return {
        "catalina_base": base,
        "catalina_home": home or None,
        "port": Tomcat({"catalina_base": base}).connector_port(),
        "ports": process.ports,
        "java_home": java_home,
        "java_version": _java_version(java_home),
        "max_heap": sizes[-1].group(1) if sizes else None,
        "user": process.user,
        "systemd_unit": process.unit,
        "pid": process.pid,
        "is_ours": any(map(roots.hold, _served(base))),
    }


def _property(arguments: Sequence[str], name: str) -> str:
    """A system property of a Java process; the last one counts."""
    start = f"-D{name}="
    found = [one[len(start) :] for one in arguments if one.startswith(start)]
    return found[-1] if found else ""


def _java_home(executable: str | None) -> str | None:
    head, name = os.path.split(executable or "")
    return os.path.dirname(head) if name == "java" and os.path.basename(head) == "bin" else None


def _java_version(java_home: str | None) -> str | None:
    """The version that a Java runtime says in its own file, without being started."""
    text = _read(os.path.join(java_home, "release")) if java_home else None
    found = _VERSION.search(text or "")
    return found.group(1) if found else None


def _served(base: str) -> list[str]:
    """The directories of applications that context descriptors of a Tomcat name."""
    found = []
    for path in sorted(glob.glob(os.path.join(glob.escape(base), "conf", "*", "*", "*.xml")))[:200]:
        text = _read(path)
        try:
            found.append(ET.fromstring(text or "").get("docBase") or "")  # noqa: S314
        except ET.ParseError:
            continue  # what does not read serves nothing
    return [one for one in found if one]


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read(_MOST_BYTES)
    except OSError:
        return None
