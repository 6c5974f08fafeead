"""What the runner answers about reports, for one caller."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from typing import Any

from pushguide.errors import PushguideError, Refused
from pushguide.master.arguments import optional_name
from pushguide.master.statistics import periods
from pushguide.master.statistics.desk import Statistics
from pushguide.master.statistics.reports.text import text
from pushguide.master.statistics.reports.words import WORDS
from pushguide.master.suggest import did_you_mean

FORMATS = ("text", "json", "html")
#: Up to how many days a report is told by day, and by week.
_BY_DAY, _BY_WEEK = 31, 190


class Reports:
    """Reports for one caller.

    Args:
        statistics: what that caller may ask of the statistics.
    """

    def __init__(self, statistics: Statistics) -> None:
        self.statistics = statistics

    def report(
        self, about: Mapping[str, object], form: object, language: object, file: object
    ) -> dict[str, Any]:
        """A report, or where it was written to.

        Args:
            about: what is asked about, and when.
            form: one of :data:`FORMATS`.
            language: the language of text and HTML.
            file: the file below ``pushguide:reports`` to write it to; None answers with it.
        """
        problems = []
        if form not in FORMATS:
            problems.append(f"format is {form!r}: {did_you_mean(str(form), FORMATS)}")
        if language not in WORDS:
            problems.append(f"language is {language!r}: give {' or '.join(WORDS)}.")
        name = optional_name(file, "file")
        if about.get("module") is None and about.get("team") is None:
            problems.append("module and team are both missing: give one of them.")
        directory = self.statistics.parts.config.reports
        if name is not None and not directory:
            problems.append(
                "file needs a directory that reports may be written to: set pushguide:reports in "
                "the master's configuration."
            )
        path = None
        if name is not None and directory:
            path = path_of(directory, name, problems)
        if problems:
            raise Refused(problems)
        asked, period = self.statistics.asked(about)
        data = self.statistics.told(asked, period, about, unit_of(period.days))
        made = _made(data, str(form), WORDS[str(language)], str(language))
        if path is None:
            return {"format": form, "report": made if form != "json" else data}
        write(path, made)
        return {"format": form, "file": path, "bytes": len(made.encode())}


def unit_of(days: float) -> str:
    """By what a report tells how things went over time."""
    return "day" if days <= _BY_DAY else "week" if days <= _BY_WEEK else periods.UNITS[-1]


def _made(data: Mapping[str, Any], form: str, words: Mapping[str, str], language: str) -> str:
    if form == "json":
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    if form == "text":
        return text(data, words)
    from pushguide.master.statistics.reports.page import page  # pygal: nothing else needs it.

    return page(data, words, language)


def path_of(directory: str, name: str, problems: list[str]) -> str:
    """The path of a report's file, which is nowhere but below the directory of reports."""
    top = os.path.realpath(directory)
    path = os.path.realpath(os.path.join(top, name))
    if os.path.isabs(name) or os.path.dirname(path) != top or path == top or "\0" in name:
        problems.append(f"file is {name!r}: give the name of a file in {directory}, no path.")
    return path


def write(path: str, content: str) -> None:
    """Write a file as a whole, or not at all."""
    try:
        handle, beside = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".report-")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
        os.chmod(beside, 0o640)
        os.replace(beside, path)
    except OSError as err:
        raise PushguideError(
            f"Writing the report {path} failed: {err}. Make the directory, and let the master's "
            "user write to it (pushguide:reports)."
        ) from err
