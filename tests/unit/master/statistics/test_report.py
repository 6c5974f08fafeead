"""Reports: what people and hosts said does no harm in them, and they are written where they may."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from pushguide.errors import PushguideError, Refused
from pushguide.master.statistics import answers
from pushguide.master.statistics.desk import Statistics
from pushguide.master.statistics.numbers import Numbers
from pushguide.master.statistics.periods import period_of
from pushguide.master.statistics.queries import Hours
from pushguide.master.statistics.reports.desk import Reports
from pushguide.master.statistics.reports.page import page
from pushguide.master.statistics.reports.text import text
from pushguide.master.statistics.reports.words import WORDS
from tests.unit.master.statistics.histories import START

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>\x1b[31m{{ 7 * 7 }}"


def data(hostile: str = HOSTILE) -> dict[str, Any]:
    """An answer, with hostile names wherever people or hosts give some."""
    numbers = Numbers(counted=5, succeeded=3, failed=2, changes=5, failed_changes=2, deliveries=3)
    numbers.note("times", "seconds", "60", 3)
    numbers.note("stages", "prepare", "60", 9)
    numbers.note("stages", f"prepare/{hostile}", "60", 9)
    numbers.note("stages", hostile, "60", 9)
    numbers.note("slots", "counted", "36", 5)
    period = period_of("2026", "UTC", START)
    hours = Hours(period.zone)
    hours.add(0, numbers.slots, 1)
    return {
        "about": {"module": hostile},
        "period": {"from": "a", "to": "b", "timezone": "UTC"},
        "deployments": answers.outcome(numbers),
        "stages": answers.stages(numbers),
        "by_hour": answers.by_hour(hours.counts()),
        "by_weekday": answers.by_weekday(hours.counts()),
        "failing": {
            "hosts": [{"host": hostile, "failures": 2, "results": 3}],
            "stages": [{"stage": hostile, "failures": 2}],
            "reasons": [{"reason": hostile, "failures": 2}],
        },
        "dora": answers.dora(numbers, period),
        "group_by": "month",
        "groups": [answers.group(hostile, numbers, period)],
    }


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Keep it."""
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("language", WORDS)
def test_a_page_has_no_script_and_nothing_from_elsewhere(language: str) -> None:
    made = page(data(), WORDS[language], language)
    parsed = Tags()
    parsed.feed(made)
    names = {tag for tag, _ in parsed.tags}
    assert "svg" in names
    assert not names & {"script", "img", "link", "iframe", "object", "image", "use", "a"}
    for tag, attributes in parsed.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert "src" not in attributes
        assert "href" not in attributes
    # Names of namespaces are no addresses that anything is fetched from.
    addresses = {*re.findall(r"https?://[^\s\"'<]+", made)}
    assert {one for one in addresses if "w3.org" not in one and "pygal" not in one.lower()} == set()
    assert "url(" not in made
    assert "@import" not in made
    assert "49" not in re.sub(r"<svg.*?</svg>", "", made, flags=re.DOTALL)


def test_the_hostile_name_is_shown_as_text() -> None:
    made = page(data(), WORDS["en"], "en")
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in made
    assert made.count("<h2>") == 9
    assert '<html lang="zh-CN">' in page(data(), WORDS["zh"], "zh")


def test_text_gives_a_terminal_no_orders() -> None:
    made = text(data(), WORDS["en"])
    assert "\x1b" not in made
    assert "Success rate" in made
    assert "60.0%" in made
    assert "成功率" in text(data(), WORDS["zh"])


def test_both_languages_have_the_same_words() -> None:
    english, chinese = WORDS["en"], WORDS["zh"]
    assert english.keys() == chinese.keys()
    for word in (*answers.WEEKDAYS, "hosts", "stages", "reasons"):
        assert english[word]
        assert chinese[word]


def test_drawing_leaves_no_hook_in_imports() -> None:
    assert not [one for one in sys.meta_path if type(one).__module__.startswith("pygal")]


@pytest.fixture
def statistics(tmp_path: Path) -> Any:
    """A desk that answers with the data above."""
    desk = mock.create_autospec(Statistics, instance=True)
    desk.parts = SimpleNamespace(config=SimpleNamespace(reports=str(tmp_path / "reports")))
    desk.asked.return_value = (None, period_of("2026", "UTC", START))
    desk.told.return_value = data("shop-web")
    return desk


def test_a_report_is_written_below_its_directory(statistics: Any, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    told = Reports(statistics).report({"module": "x"}, "json", "en", "web.json")
    written = tmp_path / "reports" / "web.json"
    assert told == {"format": "json", "file": str(written), "bytes": written.stat().st_size}
    assert json.loads(written.read_text(encoding="utf-8")) == data("shop-web")
    assert [*(tmp_path / "reports").iterdir()] == [written]
    assert written.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["../x.html", "/etc/x.html", "a/b.html", ".", "..", "out"])
def test_a_report_is_written_nowhere_else(statistics: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "out").symlink_to(tmp_path / "elsewhere.html")
    with pytest.raises(Refused, match="give the name of a file"):
        Reports(statistics).report({"module": "x"}, "html", "en", name)
    assert not (tmp_path / "elsewhere.html").exists()


def test_what_is_wrong_is_told_at_once(statistics: Any) -> None:
    statistics.parts.config.reports = ""
    with pytest.raises(Refused) as caught:
        Reports(statistics).report({}, "pdf", "fr", "x.pdf")
    told = " ".join(caught.value.problems)
    for part in ("format is 'pdf'", "language is 'fr'", "both missing", "pushguide:reports"):
        assert part in told


def test_a_directory_that_is_not_there_is_told(statistics: Any) -> None:
    with pytest.raises(PushguideError, match="Writing the report"):
        Reports(statistics).report({"module": "x"}, "text", "en", "x.txt")


def test_a_report_without_a_file_is_the_answer(statistics: Any) -> None:
    told = Reports(statistics).report({"module": "x"}, "text", "en", None)
    assert told["report"].startswith("Deployments: shop-web")
    assert Reports(statistics).report({"team": "x"}, "json", "en", None)["report"]["dora"]
