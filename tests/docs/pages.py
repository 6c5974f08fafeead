"""The project's pages: their fenced blocks, links and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGES = sorted([*PROJECT.glob("README*.md"), *(PROJECT / "docs").glob("*.md")])
EXAMPLES = sorted((PROJECT / "pillar_example").glob("*.sls"))

_FENCE = re.compile(
    r"(?:<!-- (?P<kind>[^>]+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, and the kind that a comment above names."""

    page: str
    line: int
    language: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """The fenced blocks of all pages in some languages."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for one in _FENCE.finditer(text):
            line = text.count("\n", 0, one.start()) + 1
            block = Block(
                page.name, line, one["language"], one["kind"] or "", one["text"].rstrip() + "\n"
            )
            if block.language in languages:
                found.append(block)
    return found
