"""Tomcat for these tests: each test that is marked gets the need checked first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import tomcat
from tests.support.need import need


@pytest.fixture(autouse=True)
def _tomcat_is_there() -> None:
    need("tomcat", tomcat.is_there(), "Tomcat 10 and Java are needed: apt-get install tomcat10")


@pytest.fixture
def base(tmp_path: Path) -> Iterator[tomcat.Base]:
    """A Tomcat instance that is ended after the test."""
    one = tomcat.Base(tmp_path / "tomcat")
    yield one
    one.end()
