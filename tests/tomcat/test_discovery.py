"""A real Tomcat, found on its host by what runs there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pushguide.host.discovery import discover
from tests.support import tomcat
from tests.support.tomcat import Base

pytestmark = pytest.mark.tomcat


def test_a_tomcat_that_runs_is_told(base: Base, tmp_path: Path) -> None:
    descriptor = base.path / "conf" / "Catalina" / "localhost" / "shop.xml"
    descriptor.parent.mkdir(parents=True)
    release = tmp_path / "srv" / "releases" / "1"
    release.mkdir(parents=True)
    descriptor.write_text(f'<Context docBase="{release}"/>')
    pid = base.start_by_hand()
    answer = discover({"id": "web1"}, {}, {"kernel": "Linux"}, [str(tmp_path / "srv")])
    [told] = [one for one in answer["tomcats"] if one["is_ours"]]
    assert (told["catalina_base"], told["catalina_home"]) == (str(base.path), str(tomcat.HOME))
    assert (told["pid"], told["max_heap"]) == (pid, "128m")
    assert told["port"] == base.port
    assert base.port in told["ports"]
    assert os.access(os.path.join(told["java_home"], "bin", "java"), os.X_OK)
    assert told["java_version"]
    assert told["java_version"].split(".")[0].isdecimal()
    # It is no service beside that, and nothing of its command line is told.
    assert all(one["pid"] != pid for one in answer["services"])
    assert "UseSerialGC" not in json.dumps(answer)
    base.end()
    left = discover({"id": "web1"}, {}, {}, [str(tmp_path / "srv")])["tomcats"]
    assert all(one["catalina_base"] != str(base.path) for one in left)
