"""Reports as one HTML page: no script, nothing from elsewhere, so that it can be mailed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pygal
from jinja2 import Environment
from markupsafe import Markup
from pygal.style import Style

from pushguide.master.statistics.reports.figures import headlines, measures, shown_seconds, title_of

# pygal hooks into every import of the process, to find plug-ins with maps: we have none.
sys.meta_path[:] = [one for one in sys.meta_path if type(one).__module__ != pygal.__name__]

_GOOD, _BAD, _USUAL = "#2e7d32", "#c62828", "#1565c0"
_FONT = "system-ui, 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif"

_PAGE = """\
{% macro listed(tables) %}
{% for heading, rows in tables %}
{% if rows %}
<h2>{{ heading }}</h2>
<table>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>
{% endif %}
{% endfor %}
{% endmacro %}
<!DOCTYPE html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ words.report }}: {{ title }}</title>
<style>
body { font: 15px/1.5 {{ font }}; color: #222; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: .5em 0 1.5em; }
td, th { padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: left; }
td { overflow-wrap: anywhere; }
svg { width: 100%; height: auto; }
footer { color: #666; }
</style>
</head>
<body>
<h1>{{ words.report }}: {{ title }}</h1>
<p>{{ words.period }}: {{ period.from }} &ndash; {{ period.to }} ({{ period.timezone }})</p>
{{ listed(tables) }}
{% for heading, chart in charts %}
<h2>{{ heading }}</h2>
{{ chart }}
{% endfor %}
{{ listed(failing) }}
<footer>{{ words.generated }}</footer>
</body>
</html>
"""


def page(data: Mapping[str, Any], words: Mapping[str, str], language: str) -> str:
    """A report as HTML. Whatever people or hosts have said is escaped."""
    made = Environment(autoescape=True, trim_blocks=True).from_string(_PAGE)
    return made.render(
        language="zh-CN" if language == "zh" else language,
        font=Markup(_FONT),  # noqa: S704 - ours, with quotes
        words=words,
        title=title_of(data),
        period=data["period"],
        tables=[
            (words["outcomes"], headlines(data, words)),
            (words["dora"], measures(data, words)),
        ],
        charts=_charts(data, words),
        failing=_failing(data, words),
    )


def _charts(data: Mapping[str, Any], words: Mapping[str, str]) -> list[tuple[str, Markup]]:
    groups = data["groups"]
    over_time = _stacked([one["group"] for one in groups], groups, words)
    hours = _bars([str(one["hour"]) for one in data["by_hour"]], data["by_hour"], words)
    days = [words[one["weekday"]] for one in data["by_weekday"]]
    charts = [
        (words["over_time"], over_time),
        (words["by_hour"], hours),
        (words["by_weekday"], _bars(days, data["by_weekday"], words)),
    ]
    if data["stages"]:
        chart = _chart(pygal.HorizontalBar, [_USUAL, "#90a4ae"])
        chart.x_labels = [*data["stages"]]
        chart.value_formatter = shown_seconds
        for share in ("p50", "p95"):
            chart.add(words[share], [one[share] for one in data["stages"].values()])
        charts.append((words["stages"], _drawn(chart)))
    return charts


def _failing(
    data: Mapping[str, Any], words: Mapping[str, str]
) -> list[tuple[str, list[tuple[Any, ...]]]]:
    return [
        (
            f"{words['failing']}: {words[key + 's']}",
            [(one[key], one["failures"]) for one in data["failing"][f"{key}s"]],
        )
        for key in ("host", "stage", "reason")
    ]


def _stacked(labels: list[str], rows: list[Any], words: Mapping[str, str]) -> Markup:
    chart = _chart(pygal.StackedBar, [_GOOD, _BAD, "#90a4ae"])
    chart.x_labels = labels
    chart.x_label_rotation = 45 if len(labels) > _LABELS_SIDE_BY_SIDE else 0
    for name in ("succeeded", "failed", "aborted"):
        chart.add(words[name], [one[name] for one in rows])
    return _drawn(chart)


_LABELS_SIDE_BY_SIDE = 8


def _bars(labels: list[str], rows: list[Any], words: Mapping[str, str]) -> Markup:
    """How many there were."""
    chart = _chart(pygal.Bar, [_USUAL])
    chart.x_labels = labels
    chart.add(words["count"], [one["count"] for one in rows])
    return _drawn(chart)


def _chart(kind: Any, colors: list[str]) -> Any:
    style = Style(
        background="transparent", plot_background="#fafafa", colors=colors, font_family=_FONT
    )
    chart = kind(
        style=style, js=[], width=900, height=300, legend_at_bottom=True, min_scale=1, order_min=0
    )
    chart.add_xml_filter(_without_scripts)
    return chart


def _without_scripts(root: Any) -> Any:
    """A drawing without what moves in a browser: mails may have no script."""
    for parent in list(root.iter()):
        for child in list(parent):
            if str(child.tag).rpartition("}")[2] == "script":
                parent.remove(child)
    return root


def _drawn(chart: Any) -> Markup:
    # pygal escapes what it is given.
    return Markup(chart.render(is_unicode=True, disable_xml_declaration=True))  # noqa: S704
