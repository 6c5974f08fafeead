"""One artifact, configured on real minions: with secrets that are on the hosts and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pushguide.host.configuration.xdt_order import NAMESPACE
from tests.support.salt_lab import Lab

SECRET = "staple-of-a-secret"
FILES = {
    "web.config": '<configuration>\n  <system.web debug="true" />\n</configuration>\n',
    "web.production.config": (
        f'<configuration xmlns:xdt="{NAMESPACE}">'
        '<system.web xdt:Transform="RemoveAttributes(debug)" /></configuration>'
    ),
    "app.ini.j2": "[db]\npassword = {{ password }}\nhost = {{ id }}\n",
}
CONFIGURATION: list[dict[str, Any]] = [
    {"kind": "transform", "file": "web.config", "by": "web.{environment}.config"},
    {"kind": "xml", "file": "web.config", "connection_strings": {"Shop": "P={pillar.shop:db}"}},
    {
        "kind": "json",
        "file": "app.json",
        "create": True,
        "values": {"Db:Password": "{pillar.shop:db}"},
    },
    {
        "kind": "template",
        "file": "app.ini",
        "source": "app.ini.j2",
        "values": {"password": "{pillar.shop:db}"},
        "mode": "0600",
    },
    {"kind": "hook", "hook": "stamp"},
]


def test_releases_are_configured_and_nobody_sees_a_secret(lab: Lab) -> None:
    hook = Path(__file__).parent / "files" / "release_stamp.py"
    lab.team_file("_modules/release_stamp.py", hook.read_text())
    lab.salt(",".join(lab.minions), "saltutil.sync_modules")
    lab.secrets = {"shop": {"db": SECRET}}
    module = lab.define("configured", probe=True, configuration=CONFIGURATION)
    module.publish("1.0.0", **FILES)
    answer = module.deploy("1.0.0")
    assert answer.returncode == 0, answer.data

    for host in lab.minions:
        live = module.root(host) / "live"
        found = ElementTree.parse(live / "web.config").getroot()
        assert found.find("system.web[@debug]") is None
        entry = found.find("connectionStrings/add[@name='Shop']")
        assert entry is not None
        assert entry.get("connectionString") == f"P={SECRET}"
        assert json.loads((live / "app.json").read_text()) == {"Db": {"Password": SECRET}}
        assert (live / "app.ini").read_text() == f"[db]\npassword = {SECRET}\nhost = {host}\n"
        assert (live / "app.ini").stat().st_mode & 0o777 == 0o600
        assert (live / "stamp").read_text() == f"{host}: configured 1.0.0 in production"

    # A deployment that fails with the secret at hand does not tell it either.
    broken = [*CONFIGURATION, {**CONFIGURATION[2], "values": {"Db:Password:{pillar.x}": 1}}]
    lab.templates["configured"]["configuration"] = broken
    lab.write_pillar()
    module.publish("1.1.0", **FILES)
    failed = module.deploy("1.1.0")
    assert failed.returncode == 1
    assert "Configuring the release failed at app.json (json)" in str(failed.data)
    assert set(module.lives().values()) == {"version 1.0.0"}
    plan = module.run("plan", version="1.1.0")
    assert plan.data["drift"] == {}
    assert "configure" in plan.data["steps"]["prepare"]

    told = str([answer, failed, plan, lab.show(answer.data["deployment"])])
    for table, column in (("deployment", "plan"), ("step", "detail"), ("event", "data")):
        told += str(lab.query(f"SELECT {column} FROM {table}"))
    assert SECRET not in told
    assert "{pillar.shop:db}" in told
    seen = {str(one) for one in files_with(SECRET, lab.top.parent)}
    assert seen == {one for one in seen if may_hold_secrets(lab, Path(one))}
    assert len(seen) > len(lab.minions)


def files_with(text: str, top: Path) -> Iterator[Path]:
    """Every file below a directory that holds a text."""
    for path in top.rglob("*"):
        if path.is_file() and not path.is_symlink() and text.encode() in path.read_bytes():
            yield path


def may_hold_secrets(lab: Lab, path: Path) -> bool:
    """Whether this is a pillar, or a configured file of a release."""
    is_pillar = path == lab.top / "pillar" / "secrets.sls"
    # Where Salt itself keeps the pillar that it has given to a minion.
    is_cached = path.parent.parent.name == "minions" or path.parent.name == "pillar"
    is_released = path.parent.parent.name == "releases" and path.name in FILES.keys() | {
        "app.json",
        "app.ini",
    }
    return is_pillar or is_cached or is_released
