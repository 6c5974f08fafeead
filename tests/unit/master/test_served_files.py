"""What minions sync: written by the master's own version, complete, and nothing more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pushguide.errors import PushguideError, Refused
from pushguide.master.installation import setup
from pushguide.master.served_files import write_files
from pushguide.master.templates.project_types import names

PROJECT = Path(__file__).parents[3]


def test_minions_get_their_side_and_orchestrations_are_there(tmp_path: Path) -> None:
    mine = tmp_path / "_modules" / "ours.py"
    mine.parent.mkdir()
    mine.write_text("")
    stale = tmp_path / "_utils" / "pushguide" / "host" / "stale.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    assert write_files(str(tmp_path)) == str(tmp_path)
    served = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()}
    assert {"_modules/ours.py", "_modules/pushguide.py", "_states/pushguide.py"} <= served
    assert {"orch/deploy.sls", "orch/rollback.sls", "_utils/pushguide/host/base.py"} <= served
    assert "_utils/pushguide/host/stale.py" not in served
    assert not any("sqlalchemy" in (tmp_path / one).read_text() for one in served)


def test_minions_get_a_loader_module_for_every_type_that_a_template_may_name(
    tmp_path: Path,
) -> None:
    write_files(str(tmp_path))
    served = {one.stem for one in (tmp_path / "_modules").glob("pushguide_*.py")}
    assert served == {f"pushguide_{name}" for name in names({})}


def test_what_is_served_needs_nothing_installed(tmp_path: Path) -> None:
    write_files(str(tmp_path))
    modules = [f"pushguide.host.types.{one.stem}" for one in _types() if one.stem != "__init__"]
    code = "import sys; sys.modules.update(dict.fromkeys(('sqlalchemy', 'pydantic', 'alembic')))\n"
    code += "".join(f"import {name}\n" for name in [*modules, "pushguide.master.door"])
    code += "import pushguide; print(pushguide.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path / "_utils")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(tmp_path))


def _types() -> list[Path]:
    return sorted((PROJECT / "_utils" / "pushguide" / "host" / "types").glob("*.py"))


def test_the_place_it_runs_from_is_refused() -> None:
    with pytest.raises(Refused, match="serves its files already"):
        write_files(str(PROJECT))
    assert (PROJECT / "_utils" / "pushguide" / "__init__.py").is_file()


def test_a_relative_or_unwritable_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="absolute"):
        write_files("srv/salt")
    (tmp_path / "file").write_text("")
    with pytest.raises(PushguideError, match="Writing pushguide's files into"):
        write_files(str(tmp_path / "file"))


def test_setup_writes_into_file_roots_alone(tmp_path: Path) -> None:
    opts = {
        "id": "m_master",
        "cachedir": str(tmp_path / "cache" / "master"),
        "file_roots": {"base": [str(tmp_path / "srv")]},
    }
    with pytest.raises(Refused, match="give one of the master's file_roots"):
        setup(opts, {}, str(tmp_path / "elsewhere"))
    assert not (tmp_path / "elsewhere").exists()
