"""The messages that the pages explain are those of the code."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.docs.pages import DOCS, PROJECT, code_in, table

TROUBLESHOOTING = DOCS / "troubleshooting.md"
GAP = "\0"


@cache
def messages() -> tuple[str, ...]:
    """Every string of the code, its gaps marked; neighbours are joined by the parser."""
    found = []
    for path in sorted((PROJECT / "_utils").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append(
                    "".join(
                        str(part.value) if isinstance(part, ast.Constant) else GAP
                        for part in node.values
                    )
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return tuple(found)


def explained() -> list[str]:
    """The messages in the first two tables."""
    return [
        code_in(row[0])[0]
        for heading in ("Commands that are refused", "Deployments that fail")
        for row in table(TROUBLESHOOTING, heading)
    ]


def is_said(message: str) -> bool:
    """Whether a string of the code reads so; dots stand for what differs."""
    pieces = [re.escape(one.strip()) for one in message.split("...")]
    pattern = re.compile(".*".join(pieces), re.DOTALL)
    return any(pattern.search(one) for one in messages())


@pytest.mark.parametrize("message", explained())
def test_a_message_that_is_explained_is_one(message: str) -> None:
    if "did you mean" in message:
        return  # put together of two, and tested with the templates
    assert is_said(message.replace("{grain...}", ""))


def test_there_are_messages_to_test() -> None:
    assert len(explained()) > 35
    assert not is_said("this is said nowhere")


def test_the_archive_limits_are_told() -> None:
    from pushguide.host.archive import DEFAULT_LIMITS

    told = (DOCS / "artifacts.md").read_text(encoding="utf-8")
    assert f"more than {DEFAULT_LIMITS.entries:,} entries" in told
    assert f"{DEFAULT_LIMITS.unpacked_bytes // 2**30} GiB unpacked" in told
    assert f"or {DEFAULT_LIMITS.ratio} times its own length" in told
    assert f"more than {DEFAULT_LIMITS.depth} deep" in told
    assert f"{DEFAULT_LIMITS.free_bytes // 2**20} MiB are free" in told


def test_the_longest_silence_of_a_server_is_told() -> None:
    from pushguide.share import Transfer

    seconds = Transfer._field_defaults["silence_seconds"]
    told = (DOCS / "transfer.md").read_text(encoding="utf-8")
    assert f"says nothing for {seconds} seconds" in told


def test_what_tests_may_require_is_told() -> None:
    told = (DOCS / "development.md").read_text(encoding="utf-8")
    required = re.search(
        r"PUSHGUIDE_REQUIRE=([\w,]+)", (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    )
    assert required
    listed = ", ".join(f"`{one}`" for one in required[1].split(","))
    assert listed in " ".join(told.split())
