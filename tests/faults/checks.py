"""What has to hold after an injection, whatever it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

import psutil

from pushguide.host import journal as journals
from tests.faults.ledger import Entry
from tests.support.salt_lab import Lab, Module

OLD, NEW = "1.0.0", "1.1.0"
ENDED = ("succeeded", "failed", "rolled_back", "aborted")
#: Hosts with these outcomes have told, and the record says how they stand.
TOLD = ("succeeded", "failed", "restored", "stopped_short")


def files_of(version: str) -> dict[str, str]:
    """The files of a version."""
    pages = {f"page-{number}": f"{number} of {version}\n" * 200 for number in range(5)}
    return {"health": f"version {version}\n", **pages}


def served(module: Module, host: str) -> str | None:
    """The version that a host serves whole; None if it is neither, or not whole."""
    live = module.root(host) / "live"
    if not live.is_dir():
        return None
    found = {one.name: one.read_text() for one in live.iterdir()}
    return next((version for version in (OLD, NEW) if found == files_of(version)), None)


def is_busy(lab: Lab, module: Module, host: str) -> bool:
    """Whether a job is at work on a host."""
    directory = lab.journals(host) / module.name / "production"
    return directory.is_dir() and journals.is_locked(str(directory))


def lease_is_over(lab: Lab, module: Module) -> bool:
    """Whether nobody holds the module's lock."""
    sql = "SELECT deployment_id, lease_until FROM lock WHERE module = ?"
    rows = lab.query(sql, module.name)
    return not rows or rows[0][0] is None or _utc(rows[0][1]) < datetime.now(timezone.utc)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc)


def outcomes(lab: Lab, number: int) -> dict[str, str]:
    """The outcome of each host in a deployment."""
    sql = "SELECT host, outcome FROM deployment_host WHERE deployment_id = ?"
    return dict(lab.query(sql, number))  # type: ignore[arg-type]


def check_settled(lab: Lab, module: Module, number: int, entry: Entry) -> None:
    """Check what has to hold when an injection has been and nothing goes on any more."""
    told = outcomes(lab, number)
    _check_hosts(module, told, entry)
    has_ended = lab.state(number) in ENDED
    sure = [
        host
        for host, outcome in told.items()
        if outcome in TOLD or (has_ended and outcome == "not_started")
    ]
    _check_record(lab, module, sure, entry)
    for host in sure:
        if told[host] == "succeeded" and served(module, host) != NEW:
            entry.wrong.append(f"{host} succeeded and serves {served(module, host)}")
    _check_lock(lab, module, entry, must_be_free=has_ended)


def check_recovered(
    lab: Lab, module: Module, number: int, entry: Entry, hosts: Iterable[str]
) -> None:
    """Check what has to hold when the deployment has been brought to its end."""
    state = lab.state(number)
    if state != "succeeded":
        entry.lost.append(f"#{number} ended as {state}")
    for host in hosts:
        if served(module, host) != NEW:
            entry.lost.append(f"{host} serves {served(module, host)} at the end")
    _check_record(lab, module, hosts, entry)
    _check_lock(lab, module, entry, must_be_free=True)


def _check_hosts(module: Module, hosts: Iterable[str], entry: Entry) -> None:
    for host in hosts:
        if served(module, host) not in (OLD, NEW):
            entry.lost.append(f"{host} serves neither {OLD} nor {NEW}: {module.live(host)}")


def _check_record(lab: Lab, module: Module, hosts: Iterable[str], entry: Entry) -> None:
    """The record, the journal and the live link say the same of each host."""
    rows = lab.query("SELECT host, version FROM release WHERE module = ?", module.name)
    recorded = {str(host): version for host, version in rows}
    for host in hosts:
        journal = module.journal(host)
        release = journal["releases"].get(journal["live"]) or {}
        said = {"record": recorded.get(host)}
        if journal["doing"] is None:  # else it says itself that it may not know
            said["journal"] = release.get("version")
        for who, version in said.items():
            if version != served(module, host):
                entry.wrong.append(
                    f"the {who} says {version} of {host}, which serves {served(module, host)}"
                )


def _check_lock(lab: Lab, module: Module, entry: Entry, must_be_free: bool) -> None:
    """The lock is free, or somebody alive has it."""
    sql = "SELECT deployment_id, holder FROM lock WHERE module = ?"
    ((number, holder),) = lab.query(sql, module.name)
    if must_be_free and number is not None:
        entry.wrong.append(f"the lock still belongs to #{number}")
    pid = int(holder.rsplit(" ", 1)[1])
    if not lease_is_over(lab, module) and not psutil.pid_exists(pid):
        entry.wrong.append(f"the lease runs, and its holder {holder} is dead")
