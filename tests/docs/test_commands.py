"""Every command that the pages show names a function that there is, and arguments it takes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.docs.pages import MODULE, PAGES, PROJECT, RUNNER, Block, blocks, blocks_of, prose
from tests.docs.products_own import (
    commands_in,
    demand_call,
    demand_runner_or_salts,
    demand_salts_own,
)

PROGRAMS = ("salt-run", "salt")


def lines_of(block: Block) -> list[str]:
    """The commands of a block; a backslash continues a line, and output has no prompt."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [one for one in lines if block.language == "bash" or one.startswith("$ ")]


def shown() -> list[tuple[str, list[str]]]:
    """Where each command of Salt's stands, and its words."""
    found = [
        (str(block), words)
        for block in blocks("bash", "console")
        for line in lines_of(block)
        for words in commands_in(line)
    ]
    for page in PAGES:
        for code in re.findall(r"`((?:salt-run|salt) [^`]*)`", prose(page)):
            (words,) = commands_in(code.replace("<number>", "42"))
            found.append((str(page.relative_to(PROJECT)), words))
    return [(where, words) for where, words in found if words[0] in PROGRAMS]


COMMANDS = shown()


@pytest.mark.parametrize(("where", "words"), COMMANDS, ids=lambda one: str(one)[:70])
def test_a_command_is_right(where: str, words: list[str]) -> None:
    program, *rest = (one for one in words if not one.startswith("--"))
    documents = "-d" in rest
    rest = [one for one in rest if one != "-d"]
    called = rest[0] if program == "salt-run" else rest[1]
    arguments = rest[1:] if program == "salt-run" else rest[2:]
    keywords = [one.partition("=")[0] for one in arguments if "=" in one]
    positional = [one for one in arguments if "=" not in one]
    if called == "state.orchestrate":
        assert positional[0] in ("orch.deploy", "orch.rollback")
        pillar = next(one for one in arguments if one.startswith("pillar="))
        order = json.loads(pillar.removeprefix("pillar="))["pushguide"]["order"]
        demand_call(RUNNER, positional[0].partition(".")[2], order)
    elif program == "salt-run":
        demand_runner_or_salts(called, keywords, [] if documents else positional)
    elif called.startswith("pushguide."):
        demand_call(MODULE, called.partition(".")[2], keywords, positional)
    else:
        demand_salts_own(called, "modules")


def test_there_are_commands_to_test() -> None:
    assert len(COMMANDS) > 60
    assert sum(words[0] == "salt" for _, words in COMMANDS) > 10


def bodies() -> list[Any]:
    """What the calls of curl send."""
    return [
        pytest.param(json.loads(body), id=f"{block}-{place}")
        for block in blocks("bash")
        for place, body in enumerate(re.findall(r"-d '([^']+)'", block.text))
    ]


@pytest.mark.parametrize("body", bodies())
def test_a_call_of_salt_api_is_right(body: Any) -> None:
    if isinstance(body, dict) and "module" in body:  # for the hook, which hands over to this
        demand_call(RUNNER, "announce", body)
        return
    if isinstance(body, dict):
        assert set(body) == {"username", "password", "eauth"}
        return
    for low in body:
        assert set(low) - {"full_return"} == {"client", "fun", "kwarg"}
        assert low["client"] in ("runner", "runner_async")
        module, _, name = low["fun"].partition(".")
        assert module == "pushguide"
        demand_call(RUNNER, name, low["kwarg"])


def test_make_targets_that_the_pages_name_exist() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    named = {
        words[1]
        for block in blocks("bash")
        for line in lines_of(block)
        for words in commands_in(line)
        if words[0] == "make"
    }
    for page in PAGES:
        named |= {*re.findall(r"`make ([\w-]+)", prose(page))}
    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_extras_that_the_pages_name_exist() -> None:
    declared = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    named = {
        extra
        for page in PAGES
        for one in re.findall(r"'\.\[([\w,]+)\]'", page.read_text(encoding="utf-8"))
        for extra in one.split(",")
    }
    assert named == {"postgresql", "mariadb", "s3", "sftp"}
    for extra in named:
        assert re.search(rf"^{extra} = \[", declared, re.MULTILINE)


def test_no_command_hides_in_a_block_without_language() -> None:
    for page in PAGES:
        for block in blocks_of(page):
            if not block.language:
                assert not re.match(r"\$ |curl |make ", block.text), str(block)
