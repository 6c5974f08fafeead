"""The project's pages: their fenced blocks, tables, headings and links."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
READMES = (PROJECT / "README.md", PROJECT / "README.zh-CN.md")
PAGES = sorted([*READMES, *DOCS.glob("*.md"), PROJECT / "pillar_example" / "README.md"])
EXAMPLES = sorted((PROJECT / "pillar_example").glob("*.sls"))

_FENCE = re.compile(
    r"(?:^<!-- (?P<kind>[^>]+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, and the kind that a comment above names."""

    page: Path
    line: int
    language: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(PROJECT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, one.start()) + 1,
            one["language"],
            one["kind"] or "",
            one["text"],
        )
        for one in _FENCE.finditer(text)
    ]


def blocks(*languages: str) -> list[Block]:
    """The fenced blocks of all pages in some languages."""
    return [one for page in PAGES for one in blocks_of(page) if one.language in languages]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def section(page: Path, heading: str) -> str:
    """What stands under a heading, up to the next one of any level; without fenced blocks."""
    found = re.search(
        rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", prose(page), re.MULTILINE | re.DOTALL
    )
    assert found, f"{page.name} has no heading {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in a text, headings and rulers left out."""
    lines = text.splitlines()
    return [
        [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        for place, line in enumerate(lines)
        if line.startswith("| ")
        and not line.startswith("| ---")
        and not (place + 1 < len(lines) and lines[place + 1].startswith("| ---"))
    ]


def table(page: Path, heading: str) -> list[list[str]]:
    """The rows of the tables under a heading."""
    found = rows(section(page, heading))
    assert found, f"{page.name} has no table under {heading!r}"
    return found


def code_in(cell: str) -> list[str]:
    """What stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def anchors(page: Path) -> Iterator[str]:
    """The anchors of a page's headings, as they are commonly made."""
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def load(path: Path) -> ModuleType:
    """A loader file as a plain module."""
    spec = importlib.util.spec_from_file_location(f"documented{path.parent.name}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUNNER = load(PROJECT / "_runners" / "pushguide.py")
MODULE = load(PROJECT / "_modules" / "pushguide.py")
STATE = load(PROJECT / "_states" / "pushguide.py")
ENGINE = load(PROJECT / "_engines" / "pushguide.py")
