"""The worked example of a project type: it is put together from the page, and it deploys."""

from __future__ import annotations

import copy
import importlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import salt.config
import salt.loader
import salt.modules.systemd_service
import yaml

from pushguide.errors import BadTemplate
from pushguide.host.base import ProjectType
from pushguide.master.templates import project_types
from pushguide.words import STAGES
from tests.docs.pages import DOCS, PROJECT, blocks, blocks_of
from tests.docs.products_own import OPTS, demand_templates
from tests.support.host import Host, outcomes, steps

PAGE = DOCS / "writing-a-type.md"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The files that the page shows, as file_roots would have them."""
    top = tmp_path / "file_roots"
    for block in blocks("python"):
        assert block.kind.startswith("file: "), f"{block} does not say which file it is"
        path = top / block.kind.removeprefix("file: ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    return top


class PhpHost(Host):
    """A host with php-fpm, and Salt's loaders with the team's files."""

    def __init__(self, top: Path, files: Path) -> None:
        super().__init__(top)
        self.given["settings"] = {"link": None, "unit": "php8.2-fpm"}
        self.given["type"] = "php_app"
        service = salt.modules.systemd_service
        self.available = mock.create_autospec(service.available, return_value=True)
        self.reload = mock.create_autospec(service.reload_, return_value=True)
        opts = copy.deepcopy(salt.config.DEFAULT_MINION_OPTS)
        opts |= {
            **self.opts,
            "file_client": "local",
            "cachedir": str(top / "cache"),
            "extension_modules": str(top / "extmods"),
            "module_dirs": [str(PROJECT), str(files)],
            "grains": {},
            "pillar": {},
        }
        utils = salt.loader.utils(opts)
        self.loaded = salt.loader.minion_mods(opts, context=self.context, utils=utils)
        self.loaded.pack["__salt__"] = {
            "event.fire_master": self.fire,
            "service.available": self.available,
            "service.reload": self.reload,
        }

    def run(self, share: Any, stages: Any = STAGES) -> dict[str, Any]:
        """Run stages through the loader module that the page shows."""
        answer: dict[str, Any] = self.loaded["pushguide_php_app.run"](share, list(stages))
        return answer


@pytest.fixture
def host(tmp_path: Path, files: Path) -> Iterator[PhpHost]:
    one = PhpHost(tmp_path / "host", files)
    yield one
    shutil.rmtree(tmp_path / "host", ignore_errors=True)


def test_it_deploys_and_reloads(host: PhpHost) -> None:
    answer = host.deploy("1")
    assert (answer["outcome"], answer["live"]) == ("succeeded", "1"), answer
    assert [*steps(answer, "release")] == ["switch", "reload"]
    assert "php8.2-fpm is there" in steps(answer, "prepare")["check_runtime"][1]
    host.reload.assert_called_once_with("php8.2-fpm")
    assert host.health == "version 1"


def test_what_is_live_already_is_not_reloaded(host: PhpHost) -> None:
    artifact = host.build("1")
    host.deploy("1", artifact=artifact)
    answer = host.deploy("1", artifact=artifact)
    assert {*outcomes(answer).values()} == {"unchanged"}
    assert steps(answer, "release")["reload"] == ("unchanged", "nothing was switched")
    host.reload.assert_called_once_with("php8.2-fpm")


def test_it_goes_back_when_the_reload_fails(host: PhpHost) -> None:
    host.deploy("1")
    host.reload.side_effect = [False, True]
    answer = host.deploy("2")
    assert (answer["outcome"], answer["live"]) == ("restored", "1")
    assert [*steps(answer, "restore")] == [
        "switch_back",
        "reload",
        "probe_restored",
        "put_back_restored",
    ]
    assert "Reloading php8.2-fpm failed" in answer["error"]
    assert host.health == "version 1"


def test_a_host_without_php_is_left_alone(host: PhpHost) -> None:
    host.available.return_value = False
    answer = host.deploy("1")
    assert (answer["outcome"], host.live) == ("failed", None)
    assert "There is no unit 'php8.2-fpm' on this host" in answer["error"]


def test_its_template_validates(files: Path) -> None:
    opts = {**OPTS, "module_dirs": [str(files)]}
    (block,) = [one for one in blocks_of(PAGE) if one.kind == "template: own type"]
    template = yaml.safe_load(block.text)
    demand_templates({"shop-blog": template}, opts)
    assert "php_app" in project_types.names(opts)
    settings = project_types.finder(opts)("php_app")()
    assert json.loads(settings.model_dump_json()) == {"link": None, "unit": "php-fpm"}
    with pytest.raises(BadTemplate, match="there is no project type 'php_app'"):
        project_types.finder(OPTS)("php_app")


def test_the_names_that_the_page_tells_of_a_class_exist() -> None:
    text = PAGE.read_text(encoding="utf-8")
    given = {"share", "settings", "journal", "salt", "grains", "opts"}
    names = {*re.findall(r"`self\.(\w+)`", text)}
    assert given < names
    for name in names - given:
        assert hasattr(ProjectType, name), name
    parents = re.findall(r"^\| `(pushguide\.host[\w.]+)\.(\w+)` \|", text, re.MULTILINE)
    assert len(parents) == 3
    for module, name in parents:
        assert issubclass(getattr(importlib.import_module(module), name), ProjectType)
