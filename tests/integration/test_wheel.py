"""The wheel, installed on a master: everything comes out of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pushguide import loader
from tests.support.loading import load
from tests.support.need import need
from tests.support.salt_lab import PROJECT, Lab

#: A version of its own, so that nothing of the checkout can be taken for it.
VERSION = "99.0"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel of this checkout installed."""
    top = tmp_path_factory.mktemp("wheel")
    source = top / "source"
    unwanted = shutil.ignore_patterns(
        ".*", "__pycache__", "*.egg-info", "build", "dist", "tests", "node_modules"
    )
    shutil.copytree(PROJECT, source, ignore=unwanted)
    console = loader.console()
    need("chromium", console, "the console is not built: make console")
    shutil.copytree(str(console), source / "web" / "dist")
    init = source / "_utils" / "pushguide" / "__init__.py"
    init.write_text(re.sub(r'(__version__ = )"[^"]+"', rf'\1"{VERSION}"', init.read_text()))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", top, source], check=True)
    (wheel,) = top.glob(f"pushguide-{VERSION}-*.whl")
    installed = top / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", installed, wheel], check=True)
    return installed


def run(lab: Lab, site: Path, config: Path, *words: str) -> tuple[int, Any]:
    """salt-run with the wheel; answer with its exit code and its data."""
    done = subprocess.run(
        lab.words(*words, config=config),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_master_with_the_wheel(lab: Lab, site: Path, tmp_path: Path) -> None:
    module = lab.define("by-wheel", hosts=["w1"])
    module.publish("1.0.0")
    (tmp_path / "files").mkdir()
    roots = {"base": [str(tmp_path / "files")]}
    config = lab.config_with("wheel", file_roots=roots)

    code, told = run(lab, site, config, "pushguide.setup")
    assert (code, told["pushguide"]) == (1, VERSION)
    assert told["console"] == str(site / "pushguide" / "console")
    page = (site / "pushguide" / "console" / "index.html").read_text()
    for name in re.findall(r'"/static/([^"]+)"', page):
        assert (site / "pushguide" / "console" / name).exists(), name
    for name in ("orch/deploy.sls", "orch/rollback.sls"):
        wanted = f"has no {name}: let salt-run pushguide.setup files=<directory> write it"
        assert any(wanted in one for one in told["missing"]), told["missing"]

    # What minions sync, and the orchestration files, come out of the wheel too.
    served = tmp_path / "files"
    _, told = run(lab, site, config, "pushguide.setup", f"files={served}")
    assert not any("orch/" in one for one in told["missing"]), told["missing"]
    for name in ("orch/deploy.sls", "_modules/pushguide.py", "_states/pushguide.py"):
        assert (served / name).read_bytes() == (PROJECT / name).read_bytes()
    assert VERSION in (served / "_utils" / "pushguide" / "__init__.py").read_text()

    # The minions run the checkout's version still: found out before anything is changed.
    code, told = run(lab, site, config, "pushguide.deploy", "module=by-wheel", "version=1.0.0")
    assert (code, told["refused"]) == (1, "deploy")
    (problem,) = told["problems"]
    assert re.match(rf"w1 runs pushguide [\w.]+, this master {VERSION}\. Sync it: salt w1", problem)
    assert (module.rows(), module.live("w1")) == (0, None)

    found = load(Path(sys.executable), tmp_path, [], PYTHONPATH=str(site))["found"]
    for kind, functions in found.items():
        assert functions, kind
        for file in functions.values():
            assert Path(file).is_relative_to(site / "pushguide"), (kind, file)
