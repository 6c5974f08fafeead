"""Health of pushguide itself: for a person who wonders, and for a probe that asks every minute."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pushguide import __version__
from pushguide.errors import PushguideError
from pushguide.master import installation, states
from pushguide.master.parts import Parts
from pushguide.master.rollout.verdict import names
from pushguide.master.store import (
    deliveries,
    duties,
    engines,
    history,
    host_health,
    lock,
    templates,
)
from pushguide.master.store import tables as db
from pushguide.master.store.host_health import DOWN
from pushguide.master.store.tables import now
from pushguide.master.templates.library import Library

OK, WARNING, FAILED = "ok", "warning", "failed"

#: How slow the database may be, in milliseconds, before it is told.
_SLOW_MS = 250.0
#: How far clocks may differ: leases of deployments are told by them. In seconds.
_CLOCKS_DIFFER = 2.0
#: A notification that waits for longer is late.
_TOLD_LATE = timedelta(minutes=15)
#: What has to be free on a disk, as a part of it and in bytes.
_FREE_PART, _FREE_BYTES = 0.05, 200 * 2**20
_API_SECONDS = 5.0


class Check(NamedTuple):
    """What one look has found.

    Attributes:
        name: what was looked at.
        state: ok, warning (deployments work) or failed (they may not).
        told: what was found, and what to do.
    """

    name: str
    state: str
    told: str


def health(parts: Parts) -> dict[str, Any]:
    """Look at everything that deployments rest on.

    Returns:
        ``state`` (ok, warning or failed: the worst of all), ``checks`` (of each ``name``,
        ``state`` and ``told``), a ``summary`` to read, and ``retcode``: 1 if something failed.
    """
    checks: list[Check] = []
    for name, look in _LOOKS.items():
        try:
            checks += [Check(name, *one) for one in look(parts)]
        except PushguideError as err:
            checks.append(Check(name, FAILED, str(err)))
    worst = max((one.state for one in checks), key=(OK, WARNING, FAILED).index)
    lines = [f"{one.state:8}{one.name:14}{one.told}" for one in checks]
    return {
        "state": worst,
        "pushguide": __version__,
        "master": str(parts.opts["id"]),
        "checks": [one._asdict() for one in checks],
        "summary": "\n".join(lines),
        "retcode": int(worst == FAILED),
    }


Found = Iterator[tuple[str, str]]


def _database(parts: Parts) -> Found:
    def write(connection: Connection) -> None:
        # No row is changed; a replica refuses it all the same.
        nobody = db.duty.c.name.is_(None)
        connection.execute(sa.update(db.duty).where(nobody).values(holder=""))

    began = time.perf_counter()
    parts.database.write(write)
    took = (time.perf_counter() - began) * 1000
    told = f"{parts.database.name} answers in {took:.0f} ms, and takes writes"
    yield (OK if took < _SLOW_MS else WARNING), told


def _clocks(parts: Parts) -> Found:
    mine = parts.database.read(engines.ahead)
    if mine is None:
        yield OK, "the database has no clock of its own"
        return
    ahead = {str(parts.opts["id"]): mine}
    for one in parts.database.read(engines.known):
        if one.is_alive and one.ahead_seconds is not None:
            ahead.setdefault(one.master, one.ahead_seconds)
    furthest = max(ahead.values()) - min(ahead.values())
    worst = max(furthest, max(map(abs, ahead.values())))
    told = ", ".join(f"{master} {seconds:+.1f} s" for master, seconds in sorted(ahead.items()))
    if worst > _CLOCKS_DIFFER:
        yield (
            FAILED,
            (
                f"clocks differ from the database's: {told}. Leases are told by them: let all "
                "masters and the database take their time from one server (NTP)."
            ),
        )
        return
    yield OK, f"beside the database's: {told}"


def _files(parts: Parts) -> Found:
    missing = [*installation.missing_orchestration(parts.opts, parts.salt)]
    yield from ((FAILED, one) for one in missing)
    if not missing:
        yield OK, "the file server has orch/deploy.sls and orch/rollback.sls"


def _templates(parts: Parts) -> Found:
    saved = parts.database.read(templates.newest)
    overview = Library(parts.opts, saved=lambda: saved).overview()
    wrong = [name for name, one in overview.items() if one.get("problems")]
    if wrong:
        yield WARNING, f"{len(wrong)} templates are wrong: {names(wrong)}. See pushguide.modules."
    elif not overview:
        yield WARNING, "there is no template"
    else:
        yield OK, f"{len(overview)} modules"


def _engines(parts: Parts) -> Found:
    known = parts.database.read(engines.known)
    alive = [one.master for one in known if one.is_alive]
    if not alive:
        yield (
            WARNING,
            (
                "no engine has been there of late: what nobody drives stays where it is, 'at' is "
                "refused, and no host is watched. See docs/control.md."
            ),
        )
        return
    gone = [
        f"{one.master} (since {one.seen_at:%Y-%m-%d %H:%M} UTC)"
        for one in known
        if not one.is_alive
    ]
    if gone:
        yield WARNING, f"the engines of {names(gone)} are gone; there are those of {names(alive)}"
    else:
        yield OK, f"there are those of {names(alive)}"
    held = parts.database.read(duties.held)
    for duty, holder in sorted(held.items()):
        yield OK, f"{duty}: {holder}"


def _deployments(parts: Parts) -> Found:
    def work(connection: Connection) -> list[int]:
        held = {(one.module, one.environment): one for one in lock.held(connection)}
        running = [one for one in history.unfinished(connection) if one.state == states.RUNNING]
        locks = [(one.id, held.get((one.module, one.environment))) for one in running]
        return [number for number, mine in locks if mine is None or not mine.drives(number)]

    orphans = parts.database.read(work)
    if orphans:
        told = ", ".join(f"#{one}" for one in orphans[:10])
        yield WARNING, f"nobody drives {told}: an engine goes on with them, or pushguide.resume"
    else:
        yield OK, "each that runs is driven"


def _hosts(parts: Parts) -> Found:
    found = parts.database.read(host_health.find)
    if not found:
        yield OK, "no host has been watched"
        return
    counts = Counter(one.state for one in found.values())
    down = sorted(host for host, one in found.items() if one.state == DOWN)
    odd = sorted(host for host, one in found.items() if one.state != DOWN and one.problem)
    flapping = sorted(host for host, one in found.items() if one.is_flapping)
    yield OK, ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    if down:
        yield WARNING, f"{len(down)} do not answer: {names(down)}"
    if odd:
        yield (
            WARNING,
            f"{len(odd)} cannot be deployed to: {found[odd[0]].host}: {found[odd[0]].problem}",
        )
    if flapping:
        yield WARNING, f"{len(flapping)} come and go: {names(flapping)}"


def _disk(parts: Parts) -> Found:
    places = {str(parts.opts["cachedir"])}
    if parts.database.url.get_backend_name() == "sqlite" and parts.database.url.database:
        places.add(os.path.dirname(parts.database.url.database))
    for place in sorted(places):
        try:
            usage = shutil.disk_usage(place)
        except OSError as err:
            yield FAILED, f"{place}: {err}"
            continue
        told = f"{usage.free / 2**30:.1f} GiB free at {place}"
        is_full = usage.free < _FREE_BYTES
        is_nearly = usage.free < _FREE_PART * usage.total
        yield (FAILED if is_full else WARNING if is_nearly else OK), told


def _api(parts: Parts) -> Found:
    given = parts.opts.get("rest_cherrypy")
    if not isinstance(given, Mapping) or not given.get("port"):
        yield OK, "this master is not configured to have one"
        return
    host = str(given.get("host") or "0.0.0.0")  # noqa: S104 - what Salt takes by default
    address = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    try:
        port = int(given["port"])
    except (TypeError, ValueError):
        yield FAILED, f"rest_cherrypy:port is {given['port']!r}: give a number."
        return
    connection: http.client.HTTPConnection
    if given.get("disable_ssl"):
        connection = http.client.HTTPConnection(address, port, timeout=_API_SECONDS)
    else:
        # Whether it answers is asked, not who it is: its certificate bears another name than this.
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            address, port, timeout=_API_SECONDS, context=anybody
        )
    try:
        connection.request("GET", "/", headers={"Accept": "application/json"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as err:
        yield FAILED, f"{address}:{port} does not answer: {err}. Does salt-api run?"
        return
    finally:
        connection.close()
    yield (OK if status < 500 else FAILED), f"{address}:{port} answers {status}"


def _notifications(parts: Parts) -> Found:
    if parts.config.notifications is None:
        yield OK, "nobody is told of anything (pushguide:notifications)"
        return
    oldest = parts.database.read(deliveries.oldest_due)
    if oldest and now() - oldest > _TOLD_LATE:
        yield (
            WARNING,
            f"one waits since {oldest:%Y-%m-%d %H:%M} UTC: see salt-run pushguide.notifications.",
        )
    else:
        yield OK, "none waits for longer than it should"


_LOOKS: dict[str, Callable[[Parts], Found]] = {
    "database": _database,
    "clocks": _clocks,
    "files": _files,
    "templates": _templates,
    "engines": _engines,
    "deployments": _deployments,
    "hosts": _hosts,
    "notifications": _notifications,
    "disk": _disk,
    "salt-api": _api,
}
