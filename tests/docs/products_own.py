"""What the pages show, judged by the product's own code."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pushguide.errors import Refused
from pushguide.master.arguments import refuse_unknown
from pushguide.master.templates.library import Library

OPTS: dict[str, Any] = {
    "extension_modules": "",
    "id": "m_master",
    "cachedir": "/x/master",
    # What the pages' templates name; a page that shows the configuration itself is judged by it.
    "pushguide": {
        "commands": {"check-queue": "/usr/local/bin/check_queue --fast"},
        "functions": {
            "out-of-lb": {"out": {"function": "lb.disable"}, "back": {"function": "lb.enable"}}
        },
        "hooks": {
            "encrypt-config": {"function": "mycorp.encrypt"},
            "hold-jobs": {"function": "jobs.hold"},
            "resume-jobs": {"function": "jobs.resume"},
            "fetch-models": {"command": "/usr/local/bin/fetch_models"},
            "migrate": {"command": "/usr/local/bin/migrate"},
            "warm-cdn": {
                "command": "/usr/local/bin/warm_cdn {paths}",
                "variables": {"paths": {"pattern": "/[a-z/]*", "default": "/"}},
            },
        },
        "credentials": {"minio": {"user": "releases", "password": "not-this-one"}},
    },
}


def demand_templates(modules: Mapping[str, Any], opts: Mapping[str, Any] = OPTS) -> None:
    """Refuse templates that do not validate, in any of their environments."""
    library = Library(opts, modules=modules)
    for name, told in library.overview().items():
        assert not told.get("problems"), told
        for environment in told["environments"]:
            library.get(name, environment)


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The arguments that a function takes, without its ``**``."""
    return [
        one
        for one in inspect.signature(function).parameters.values()
        if one.kind is not inspect.Parameter.VAR_KEYWORD
    ]


def public(module: Any) -> dict[str, Callable[..., Any]]:
    """The functions that Salt exposes of a loader module."""
    return {
        name: one
        for name, one in vars(module).items()
        if inspect.isfunction(one) and one.__module__ == module.__name__ and name[0] != "_"
    }


def demand_call(
    module: Any, name: str, keywords: Iterable[str] = (), positional: Iterable[str] = ()
) -> None:
    """Refuse a call of a function that there is not, or with arguments that it does not take."""
    function = public(module).get(name)
    assert function, f"there is no public function {name}"
    taken = [one.name for one in parameters(function)]
    given = [*taken[: len(list(positional))], *keywords]
    assert len(list(positional)) <= len(taken), f"{name} takes {taken}"
    assert len(given) == len({*given}), f"{name} is given an argument twice: {given}"
    try:
        refuse_unknown(function, {one: None for one in given if one not in taken})
    except Refused as err:
        raise AssertionError(f"{name}: {err}") from err


def demand_salts_own(called: str, *folders: str) -> None:
    """Refuse a function of Salt's own that there is not."""
    module, _, name = called.partition(".")
    files = {"cmd": "cmdmod"}
    for folder in folders:
        try:
            found = importlib.import_module(f"salt.{folder}.{files.get(module, module)}")
        except ImportError:
            continue
        if callable(getattr(found, name, None)):
            return
    raise AssertionError(f"Salt has no {called} in {folders}")


def demand_runner_or_salts(called: str, keywords: Iterable[str], positional: Iterable[str]) -> None:
    """Refuse what salt-run would not know."""
    from tests.docs.pages import RUNNER

    module, _, name = called.partition(".")
    if module == "pushguide":
        demand_call(RUNNER, name, keywords, positional)
    else:
        demand_salts_own(called, "runners")


def commands_in(line: str) -> list[list[str]]:
    """The commands of a shell line, each as its words; without prompt, comment, redirections."""
    lexer = shlex.shlex(re.sub(r"^\$ ", "", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set("();|&<>"):
            found.append([])
        else:
            found[-1].append(word)
    return [one for one in found if one]
