"""The pages hang together: links, headings, tables, and both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import (
    DOCS,
    PAGES,
    PROJECT,
    READMES,
    anchors,
    blocks_of,
    code_in,
    prose,
    table,
)

PAGE_IDS = [str(one.relative_to(PROJECT)) for one in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=PAGE_IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        if anchor:
            assert anchor in {*anchors(there)}, target


@pytest.mark.parametrize("page", PAGES, ids=PAGE_IDS)
def test_headings_and_tables_are_well_formed(page: Path) -> None:
    text = prose(page)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    names = [*anchors(page)]
    assert len(names) == len({*names}), "two headings have the same anchor"
    for found in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in found.splitlines()}) == 1, found
    # A tag would vanish: what stands in angle brackets is in backticks, or escaped.
    for tag in re.findall(r"(?<!\\)<[a-z][^>]*>", re.sub(r"`[^`]*`", "", text)):
        pytest.fail(f"{tag} is taken for HTML")


def test_every_page_is_reached_from_both_readmes() -> None:
    for readme in READMES:
        text = readme.read_text(encoding="utf-8")
        for page in [*DOCS.glob("*.md"), PROJECT / "pillar_example" / "README.md"]:
            assert f"({page.relative_to(PROJECT).as_posix()})" in text, (readme.name, page.name)


def test_both_readmes_say_the_same() -> None:
    english, chinese = READMES

    def shape(page: Path) -> dict[str, object]:
        text = prose(page)
        return {
            "headings": [len(one) for one in re.findall(r"^(#+) ", text, re.MULTILINE)],
            "rows": len(re.findall(r"^\| ", text, re.MULTILINE)),
            "points": len(re.findall(r"^- ", text, re.MULTILINE)),
            "links": re.findall(r"\]\(((?!README)[^)]+)\)", text),
            "code": [(one.language, one.kind, one.text) for one in blocks_of(page) if one.language],
            "pictures": len([one for one in blocks_of(page) if not one.language]),
        }

    assert shape(english) == shape(chinese)
    assert len(re.findall(r"[\u4e00-\u9fff]", chinese.read_text(encoding="utf-8"))) > 800


def test_the_files_that_the_page_on_development_names_exist() -> None:
    page = DOCS / "development.md"
    code = PROJECT / "_utils" / "pushguide"
    for named in re.findall(r"`([\w./-]+/[\w./-]*)`", prose(page)):
        path = named.replace("<version>", "")
        if path.startswith("build/"):  # there once its tests have run
            continue
        assert any((top / path).exists() for top in (PROJECT, code)), named
    told = [one for row in table(page, "The rollout") for one in code_in(row[0])]
    files = {one.name for one in (code / "master" / "rollout").glob("*.py")}
    assert sorted(told) == sorted(files - {"__init__.py"})


@pytest.mark.parametrize("page", PAGES, ids=PAGE_IDS)
def test_lines_are_not_long(page: Path) -> None:
    for line in prose(page).splitlines():
        if not line.startswith("|"):
            assert len(line) <= 120, line
