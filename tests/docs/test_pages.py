"""The pages hang together: links, tables, and both languages."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from pushguide.errors import PushguideError
from pushguide.master import states, template
from pushguide.master.config import Config
from pushguide.master.fields import Strict
from tests.docs.pages import PAGES, PROJECT, blocks
from tests.docs.test_blocks import RUNNER

TYPES = ("static_site", "java_web", "service")


def row(name: str, field: Any) -> str:
    """A key's row, as the tables have it."""
    default = field.default
    if default is PydanticUndefined:
        told = "required"
    elif isinstance(default, Strict):
        told = "see below"
    elif default is None:
        told = "none"
    else:
        told = f"`{json.dumps(default)}`" if default != "" else "empty"
    return f"| `{name}` | {told} | {field.description or ''} |"


def tables() -> list[tuple[str, str, type[Strict]]]:
    """Each documented model: its page, its name, and itself."""
    models = ("Template", "Source", "Probe", "Strategy", "Orchestration", "Target")
    found: list[tuple[str, str, type[Strict]]] = [
        ("templates.md", one, getattr(template, one)) for one in models
    ]
    for name in TYPES:
        settings = importlib.import_module(f"pushguide.master.types.{name}").Settings
        found.append(("types.md", name, settings))
    return found


@pytest.mark.parametrize(("page", "name", "model"), tables(), ids=lambda one: str(one)[:40])
def test_the_key_table_of_a_model_is_what_the_model_says(
    page: str, name: str, model: type[Strict]
) -> None:
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    rows = "\n".join(row(*one) for one in model.model_fields.items())
    assert f"| key | default | meaning |\n| --- | --- | --- |\n{rows}\n\n" in text + "\n"


def test_the_pages_tell_every_key_of_the_masters_configuration() -> None:
    text = (PROJECT / "docs" / "install.md").read_text(encoding="utf-8")
    config = Config.from_opts({"cachedir": "/x/master"})
    for name, value in vars(config).items():
        assert re.search(
            rf"^\| `{name}` \| {value if name != 'database' else 'SQLite'}", text, re.M
        )


def test_the_pages_tell_every_command_and_every_state() -> None:
    text = (PROJECT / "docs" / "deployments.md").read_text(encoding="utf-8")
    functions = [
        name
        for name, one in vars(RUNNER).items()
        if callable(one) and not name.startswith("_") and one.__module__ == RUNNER.__name__
    ]
    assert len(functions) >= 11
    for name in functions:
        assert f"| `pushguide.{name}` |" in text
    for state in states.TRANSITIONS:
        assert f"`{state}`" in text


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
            if "://" not in target:
                assert (page.parent / target).exists(), (page.name, target)


def test_every_page_is_named_in_both_readmes() -> None:
    for readme in ("README.md", "README.zh-CN.md"):
        text = (PROJECT / readme).read_text(encoding="utf-8")
        for page in (PROJECT / "docs").glob("*.md"):
            assert f"(docs/{page.name})" in text, (readme, page.name)


def test_both_readmes_say_the_same() -> None:
    texts = [
        (PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")
    ]
    assert len({len(re.findall(r"^## ", one, re.M)) for one in texts}) == 1
    code = [
        [one.text for one in blocks("bash", "yaml") if one.page == name]
        for name in ("README.md", "README.zh-CN.md")
    ]
    assert code[0] == code[1]


def messages(folder: Path) -> str:
    """All string literals of the code, joined: f-strings with their gaps as dots."""
    text = "".join(one.read_text(encoding="utf-8") for one in sorted(folder.rglob("*.py")))
    text = re.sub(r'"\s*\n\s*f?r?"', "", text)
    return re.sub(r"\{[^{}]*\}", "...", text)


def test_the_messages_that_troubleshooting_explains_exist() -> None:
    page = (PROJECT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([^`]+)` \|", page, re.M)
    assert len(told) > 12
    code = messages(PROJECT / "_utils").lower()
    for message in told:
        pieces = [one.strip() for one in message.lower().split("...")]
        assert all(piece in code for piece in pieces), message
    assert issubclass(PushguideError, Exception)
