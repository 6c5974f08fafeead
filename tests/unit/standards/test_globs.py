"""What patterns mean, and that none of them can hold anybody up."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushguide.standards.globs import Globs, problem_of

MEANT = [
    ("*.log", "a.log", True),
    ("*.log", "deep/er/A.LOG", True),
    ("*.log", "a.log.txt", False),
    ("*.log.[0-9]*", "a.log.1", True),
    ("*.log.[0-9]*", "a.log.x", False),
    ("id_rsa", "keys/id_rsa", True),
    ("id_rsa", "keys/id_rsa.pub", False),
    ("id_rsa", "id_rsa/readme", True),
    (".git", ".git/config", True),
    (".idea/", "a/.idea/x.xml", True),
    (".idea/", ".idea", False),
    ("/logs/", "logs/a", True),
    ("/logs/", "com/logs/a", False),
    ("/index.html", "index.html", True),
    ("/index.html", "a/index.html", False),
    ("a/*.js", "a/b.js", True),
    ("a/*.js", "a/b/c.js", False),
    ("a/*.js", "x/a/b.js", False),
    ("a/**/c", "a/c", True),
    ("a/**/c", "a/b/b/c", True),
    ("a/**/c", "a/b/d", False),
    ("**/c/d", "x/y/c/d", True),
    ("a/**", "a/b/c", True),
    ("a/**", "b/a/c", False),
    ("???.txt", "abc.txt", True),
    ("???.txt", "abcd.txt", False),
    ("core.[0-9]*", "core.123", True),
    ("core.[0-9]*", "core.js", False),
    ("*", "anything/at/all", True),
    ("a[b-d]e", "ACE", True),
    ("a[b-d]e", "afe", False),
    ("[^-]x", "^x", True),
    ("[^-]x", "ax", False),
    ("a*ba", "aba", True),
    ("aba*ba", "aba", False),
    ("a*?c", "abc", True),
    ("a*?c", "ac", False),
    ("x*y*z", "x1y2y3z", True),
    ("x*y*z", "x1y2y3", False),
]


@pytest.mark.parametrize(("pattern", "path", "is_meant"), MEANT)
def test_what_a_pattern_means(pattern: str, path: str, is_meant: bool) -> None:
    assert problem_of(pattern) is None
    assert Globs([pattern]).covers(path) is is_meant
    # Beside others it means the same.
    assert Globs(["nothing-of-this-name", pattern, "*.nothing"]).covers(path) is is_meant


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "give a path or a name"),
        ("/", "give a path or a name"),
        ("a\\b", "write '/'"),
        ("a/../b", "without '.', '..'"),
        ("a//b", "empty parts"),
        ("a\nb", "one line"),
        ("a**b", "stands alone"),
        ("a[b", "close '['"),
        ("a[]b", "close '['"),
        ("[z-a]", "no range"),
        ("x" * 201, "at most 200 characters"),
        ("*a" * 13, "at most 12 wildcards"),
    ],
)
def test_what_is_no_pattern(pattern: str, why: str) -> None:
    assert why in (problem_of(pattern) or "")


def test_no_patterns_mean_nothing() -> None:
    assert not Globs([]).covers("a")


@given(st.text("ab*?/[].-^&|~", max_size=20), st.text("ab/.-", max_size=30))
def test_any_text_is_a_pattern_or_is_refused(pattern: str, path: str) -> None:
    if problem_of(pattern) is None:
        assert Globs([pattern]).covers(path) in (True, False)


@given(st.text("ab*?", min_size=1, max_size=8), st.text("ab", max_size=12))
def test_a_part_means_what_pythons_own_matcher_says(pattern: str, name: str) -> None:
    if "**" not in pattern and name:
        wanted = fnmatch.fnmatchcase(name, pattern)
        assert Globs([pattern]).match("", name) is wanted
        assert Globs([f"/{pattern}"]).match("", name) is wanted


def test_the_worst_pattern_takes_no_time() -> None:
    began = time.monotonic()
    assert not Globs(["*a" * 12 + "b"]).covers("a" * 4000)
    assert not Globs(["**/a/" * 5 + "b"]).covers("a/" * 200 + "c")
    # A matcher that goes back and forth would need longer than the sun lasts.
    assert time.monotonic() - began < 5
