"""Every YAML block and every command in the pages is right, by the product's own code."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
import pytest
import yaml

from pushguide.master.config import Config
from pushguide.master.library import Library
from tests.docs.pages import EXAMPLES, PAGES, PROJECT, Block, blocks

OPTS = {"extension_modules": "", "id": "m_master", "cachedir": "/x/master"}
#: Keys of Salt's own master configuration that the pages use.
SALTS_OWN = {
    "ext_pillar",
    "netapi_enable_clients",
    "external_auth",
    "rest_cherrypy",
    "fileserver_backend",
    "gitfs_remotes",
    "master_job_cache",
    "event_return",
}


def load(path: Path) -> ModuleType:
    """A loader file as a plain module."""
    spec = importlib.util.spec_from_file_location(f"documented_{path.parent.name}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUNNER = load(PROJECT / "_runners" / "pushguide.py")
MODULE = load(PROJECT / "_modules" / "pushguide.py")
STATE = load(PROJECT / "_states" / "pushguide.py")


def demand_templates(modules: dict[str, Any]) -> None:
    """Refuse templates that do not validate."""
    library = Library(OPTS, modules=modules)
    for name, told in library.overview().items():
        assert not told.get("problems"), told
        for environment in told["environments"]:
            library.get(name, environment)


def demand_arguments(function: Any, names: list[str], positional: int = 0) -> None:
    """Refuse arguments that a function does not take."""
    taken = [
        one.name
        for one in inspect.signature(function).parameters.values()
        if one.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    assert set(names) <= set(taken)
    assert positional + len(names) <= len(taken)


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml(block: Block) -> None:
    text = block.text
    if block.kind == "sls":
        pillar = {"pushguide": {"order": {"deployment": 1, "legs": []}}}
        text = jinja2.Template(text).render(pillar=pillar)
    data = yaml.safe_load(text)
    match block.kind:
        case "pillar: modules":
            demand_templates(data["pushguide"]["modules"])
        case "template":
            demand_templates({"shop-web": data})
        case "pillar: top":
            assert all(isinstance(some, list) for some in data["base"].values())
        case "master config":
            assert set(data) <= SALTS_OWN | {"pushguide"}
            Config.from_opts({**OPTS, **data})
        case "sls":
            for states in data.values():
                for name, arguments in states.items():
                    demand_state(name, arguments)
        case _:
            pytest.fail(f"{block} does not say what it is")


def demand_state(name: str, arguments: list[dict[str, Any]]) -> None:
    """Refuse a state of ours that does not exist, or with arguments that it does not take."""
    given = {key: value for one in arguments or [] for key, value in one.items()}
    given.pop("failhard", None)
    module, _, function = name.partition(".")
    if module == "pushguide":
        demand_arguments(getattr(STATE, function), list(given))
    elif name == "salt.runner":
        runner, _, called = given.pop("name").partition(".")
        assert runner == "pushguide"
        demand_arguments(getattr(RUNNER, called), list(given))
        assert all(isinstance(value, str) for value in given.values())
    else:
        assert name == "salt.function"


COMMANDS = [
    (block, words)
    for block in blocks("bash", "console")
    for line in block.text.replace("\\\n", " ").splitlines()
    if (words := shlex.split(line.removeprefix("$ ")))[:1] and words[0] in ("salt-run", "salt")
]


@pytest.mark.parametrize(("block", "words"), COMMANDS, ids=lambda one: str(one)[:60])
def test_commands(block: Block, words: list[str]) -> None:
    called = words[1] if words[0] == "salt-run" else words[2]
    rest = [one for one in words[words.index(called) + 1 :] if not one.startswith("--")]
    module, _, name = called.partition(".")
    if module != "pushguide":
        assert called in ("state.orchestrate", "saltutil.sync_all")
        if called == "state.orchestrate":
            order = json.loads(rest[1].removeprefix("pillar="))["pushguide"]["order"]
            demand_arguments(RUNNER.deploy, list(order))
        return
    function = getattr(RUNNER if words[0] == "salt-run" else MODULE, name)
    keywords = [one.partition("=")[0] for one in rest if "=" in one]
    demand_arguments(function, keywords, len(rest) - len(keywords))


def test_there_are_commands_to_test() -> None:
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(
    "block",
    [one for one in blocks("bash") if "pushguide" in one.text and "curl" in one.text],
    ids=str,
)
def test_calls_of_salt_api(block: Block) -> None:
    for data in re.findall(r"-d '(\[.*?\])'", block.text):
        for low in json.loads(data):
            assert low["client"] in ("runner", "runner_async")
            module, _, name = low["fun"].partition(".")
            assert module == "pushguide"
            demand_arguments(getattr(RUNNER, name), list(low["kwarg"]))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda one: one.name)
def test_pillar_examples(path: Path) -> None:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.name == "top.sls":
        named = {one for some in data["base"].values() for one in some}
        assert named == {one.stem for one in EXAMPLES} - {"top"}
        return
    demand_templates(data["pushguide"]["modules"])
    assert list(data["pushguide"]["modules"]) == [path.stem]


def test_every_project_type_has_an_example() -> None:
    from pushguide.master import project_types

    shown = {
        module["type"]
        for path in EXAMPLES
        if path.name != "top.sls"
        for module in yaml.safe_load(path.read_text())["pushguide"]["modules"].values()
    }
    assert shown == set(project_types.names(OPTS))


def test_make_targets_that_the_pages_name_exist() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in re.findall(r"^make (\w+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (page.name, target)


def test_the_worked_example_of_a_type_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block in blocks("python"):
        assert block.kind.startswith("file: ")
        path = tmp_path / block.kind.removeprefix("file: ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
        ast.parse(block.text)
    types = Library({**OPTS, "module_dirs": [str(tmp_path)]}, modules={}).settings_class
    assert types("php_app")().unit == "php8.2-fpm"  # type: ignore[attr-defined]
    loaded = load(tmp_path / "_modules" / "pushguide_php_app.py")
    assert [one for one in vars(loaded.PhpApp) if not one.startswith("__")] == [
        "release",
        "restore",
        "reload",
    ]
    assert sys.modules.get("pushguide_php_app") is None
