"""Files that are rendered with Jinja, by templates that nobody here trusts."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pushguide.errors import StepFailed
from pushguide.host.configuration import rendering
from tests.unit.host.configuration.release import Release

GIVEN: dict[str, Any] = {
    "version": "1.4",
    "db": {"host": "db1", "password": "correct-horse"},
    "servers": [{"name": "a", "ports": [1, 2]}, {"name": "b", "ports": []}],
    "text": "x" * 1000,
}
LOOPS = (
    "{% for one in servers %}{{ loop.index }}{{ one.name }}"
    "{% for port in one.ports %}:{{ port }}{% else %}-{% endfor %}"
    "{{ ' ' if not loop.last }}{% endfor %}"
)


def render(source: str) -> str:
    return rendering.render(source, GIVEN, "app.ini.j2")


def test_a_file_is_rendered(release: Release) -> None:
    release.pillar["shop:db"] = "correct-horse"
    release.file(
        "conf/app.ini.j2",
        "; {{ module }} {{ version }} in {{ environment }} on {{ id }}\r\n"
        "password={{ password }}\r\n",
    )
    done = release.configure(
        {
            "kind": "template",
            "file": "conf/app.ini",
            "source": "conf/app.ini.j2",
            "values": {"password": "{pillar.shop:db}"},
        }
    )
    written = (release.top / "conf" / "app.ini").read_bytes()
    assert written == b"; shop 1.4 in production on web1\r\npassword=correct-horse\r\n"
    assert (done.changes, done.files) == (["conf/app.ini (template)"], ["conf/app.ini"])


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("{{ db.host }} {{ db['host'] }}\n", "db1 db1\n"),
        (LOOPS, "1a:1:2 2b-"),
        ("{% if db.port is defined and x is undefined %}a{% elif 1 + 1 == 2 %}b{% endif %}", "b"),
        ("{{ none_such | default('x') }}{# gone #}{% raw %}{{ x }}{% endraw %}", "x{{ x }}"),
        ("{{ db | tojson }} {{ 'A' ~ version | upper }} {{ '<' | e }}",
         '{"host": "db1", "password": "correct-horse"} A1.4 &lt;'),
        ("{{ 'a' in ['a'] }} {{ [3, 1] | sort }} {{ -(servers | length) }}", "True [1, 3] -2"),
    ],
)  # fmt: skip
def test_what_a_template_may_do(source: str, wanted: str) -> None:
    assert render(source) == wanted


@pytest.mark.parametrize(
    "source",
    [
        "{{ range(10) }}",
        "{{ 'x' * 10 }}",
        "{{ 9 ** 9 }}",
        "{{ 7 // 2 }}{{ '%99d' % 1 }}",
        "{{ text.ljust(9) }}",
        "{{ text | replace('x', 'y') }}",
        "{{ text | center(99) }}",
        "{{ servers | join(',') }}",
        "{{ db | tojson(indent=99) }}",
        "{{ servers | map('upper') }}",
        "{% set a = 1 %}",
        "{% set a %}x{% endset %}",
        "{% macro a() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block a %}{% endblock %}",
        "{% with a = 1 %}{% endwith %}",
        "{% filter upper %}x{% endfilter %}",
        "{% call x() %}{% endcall %}",
        "{% for a in servers recursive %}{% endfor %}",
        "{{ text[1:2] }}",
        "{{ db.__class__.__mro__ }}",
        "{{ text is filter }}",
        "{{ self }}",
        "{{ salt }}",
        "{{ grains.id }}",
        "{{ pillar }}",
        "{{ db.port }}",
        "{{ undefined_name }}",
        "{{ 'a' + 1 }}",
        "{% for",
        "{{ " + "(" * 5000 + ")" * 5000 + " }}",
        "x" * (rendering.MOST_CHARACTERS + 1),
    ],
)
def test_what_a_template_may_not_do(source: str) -> None:
    with pytest.raises(StepFailed, match=r"^app\.ini\.j2 in the release"):
        render(source)


def test_loops_have_a_bound() -> None:
    began = time.monotonic()
    nested = "{% for a in text %}{% for b in text %}{% for c in text %}" + "{% endfor %}" * 3
    with pytest.raises(StepFailed, match="goes round more than 20000 times"):
        render(nested)
    with pytest.raises(StepFailed, match="goes round more than 20000 times"):
        render("{% for a in text if a == 'y' %}{% endfor %}" * 21)
    assert time.monotonic() - began < 5


def test_what_is_rendered_has_a_bound() -> None:
    with pytest.raises(StepFailed, match="renders to more than 1048576 characters"):
        render("{% for a in text %}{% for b in servers %}{{ text }}{% endfor %}{% endfor %}")


@pytest.mark.parametrize(
    "source",
    [
        "{{ servers[db.password] }}",
        "{{ {}[db.password] }}",
        "{{ {}[db.password].x }}",
        "{{ db.password | int + {} }}",
        "{{ db.password < 1 }}",
        "\n{{ none_such is defined and none_such[db.password] or {}[db.password] }}",
    ],
)
def test_no_message_has_a_value(source: str) -> None:
    with pytest.raises(StepFailed) as caught:
        render(source)
    assert GIVEN["db"]["password"] not in str(caught.value)
    assert f", line {source.count(chr(10)) + 1}, cannot be rendered: " in str(caught.value)
    assert caught.value.__suppress_context__


def test_what_is_missing_is_named() -> None:
    with pytest.raises(StepFailed, match="uses other, password, which the template does not give"):
        render("{{ password }} {{ other }}")
