"""The check that loader files import what Salt's loader can give them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools import check_loader_imports

FOLDERS = check_loader_imports.FOLDERS


@pytest.fixture
def found(tmp_path):
    """Return what the check says about a loader file, without its path."""

    def check(text, folder="_modules"):
        path = tmp_path / folder / "shop.py"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        return [(one.line, one.problem) for one in check_loader_imports.check(tmp_path)]

    return check


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_the_loader_can_give_passes(found, folder):
    text = (
        "from __future__ import annotations\n"
        "import logging\n"
        "from typing import TYPE_CHECKING\n"
        "import salt.utils.files\n"
        "from salt.exceptions import SaltException\n"
        "from pushguide import __version__, errors\n"
        "from pushguide.host.run import run_stages\n"
        "if TYPE_CHECKING:\n"
        "    from typing import Any\n"
    )
    assert found(text, folder) == []


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import os\n", "os"),
        ("import logging, sqlalchemy.orm\n", "sqlalchemy.orm"),
        ("from collections.abc import Mapping\n", "collections.abc"),
        ("import saltext.vault\n", "saltext.vault"),
        ("import pushguide_more\n", "pushguide_more"),
    ],
)
def test_anything_else_is_found(found, folder, text, name):
    [(line, problem)] = found(text, folder)
    assert line == 1
    assert problem.startswith(f"{name} is none of __future__, logging, ")


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def run():\n    from pushguide.host.run import run_stages\n", 2),
        ("async def run():\n    import pushguide.host.run\n", 2),
        ("def run():\n    if True:\n        def inner():\n            import pushguide\n", 4),
        ("class Type:\n    def run(self):\n        from pushguide import host\n", 3),
    ],
)
def test_an_import_that_waits_until_a_function_runs_is_found(found, folder, text, line):
    [(found_line, problem)] = found(text, folder)
    assert found_line == line
    assert problem.endswith("is imported inside a function")


def test_a_relative_import_is_found(found):
    assert found("from . import other\n") == [(1, "a relative import fails in Salt's loader")]


@pytest.mark.parametrize(
    "text",
    [
        "import pushguide.master.plan\n",
        "from pushguide.master import plan\n",
        "from pushguide import master\n",
    ],
)
def test_what_only_the_master_has_is_found_in_execution_modules(found, text):
    [(_, problem)] = found(text)
    assert problem.endswith("is not there on a host")


@pytest.mark.parametrize("folder", ["_runners", "_returners", "_pillar", "_engines"])
def test_what_runs_on_the_master_may_import_it(found, folder):
    assert found("from pushguide.master import plan\n", folder) == []


def test_the_command_names_file_and_line_and_fails(tmp_path):
    path = tmp_path / "_states" / "shop.py"
    path.parent.mkdir()
    path.write_text("import logging\nfrom . import other\n", encoding="utf-8")
    command = [sys.executable, check_loader_imports.__file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == f"{path}:2: a relative import fails in Salt's loader\n"
    assert done.returncode == 1
    path.write_text("import logging\n", encoding="utf-8")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
