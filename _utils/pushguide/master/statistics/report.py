"""Reports: the statistics of a module or a team over a period, to be read and mailed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pushguide.errors import PushguideError, Refused
from pushguide.master.arguments import optional_name
from pushguide.master.statistics import periods
from pushguide.master.statistics.report_words import WORDS
from pushguide.master.suggest import did_you_mean

if TYPE_CHECKING:
    from pushguide.master.statistics.desk import Statistics

FORMATS = ("text", "json", "html")
#: Up to how many days a report is told by day, and by week.
_BY_DAY, _BY_WEEK = 31, 190


def report(
    statistics: Statistics,
    about: Mapping[str, object],
    form: object,
    language: object,
    file: object,
) -> dict[str, Any]:
    """A report, or where it was written to.

    Args:
        statistics: who answers.
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
    directory = statistics.parts.config.reports
    if name is not None and not directory:
        problems.append(
            "file needs a directory that reports may be written to: set pushguide:reports in the "
            "master's configuration."
        )
    path = None
    if name is not None and directory:
        path = path_of(directory, name, problems)
    if problems:
        raise Refused(problems)
    asked, period = statistics.asked(about)
    data = statistics.told(asked, period, about, unit_of(period.days))
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
        import json

        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    if form == "text":
        from pushguide.master.statistics.report_text import text

        return text(data, words)
    from pushguide.master.statistics.report_html import page  # Jinja2 and pygal: nothing else does.

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


def shown_seconds(seconds: float | None) -> str:
    """A duration for people."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def shown_rate(rate: float | None) -> str:
    """A share for people."""
    return "-" if rate is None else f"{rate:.1%}"


def title_of(data: Mapping[str, Any]) -> str:
    """What a report is about."""
    return ", ".join(str(value) for value in data["about"].values())


def headlines(data: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, str]]:
    """The numbers at the top of a report."""
    found = data["deployments"]
    told = [
        (words["count"], str(found["count"])),
        (words["succeeded"], str(found["succeeded"])),
        (words["failed"], str(found["failed"])),
        (words["aborted"], str(found["aborted"])),
        (words["success_rate"], shown_rate(found["success_rate"])),
        (words["rollbacks"], str(found["rollbacks"])),
        (words["automatic_rollbacks"], str(found["automatic_rollbacks"])),
        (words["rollback_rate"], shown_rate(found["rollback_rate"])),
        (words["retries"], str(found["retries"])),
    ]
    return [*told, (words["duration"], shown_quantiles(found["seconds"], words))]


def measures(data: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, str]]:
    """The measures of DORA, for people."""
    dora = data.get("dora")
    if not dora:
        return []
    return [
        (words["deployment_frequency"], f"{dora['deployment_frequency']['per_day']:g}"),
        (words["lead_time"], shown_quantiles(dora["lead_time_seconds"], words)),
        (words["change_failure_rate"], shown_rate(dora["change_failure_rate"]["rate"])),
        (words["time_to_restore"], shown_quantiles(dora["time_to_restore_seconds"], words)),
    ]


def shown_quantiles(found: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Median and 95th percentile, for people."""
    if found["p50"] is None:
        return "-"
    half, most = shown_seconds(found["p50"]), shown_seconds(found["p95"])
    return f"{words['p50']} {half}, {words['p95']} {most}"
