"""What setup says of the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pushguide import loader
from pushguide.master import installation


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(loader, "console", lambda: str(tmp_path))
    return str(tmp_path)


def warnings(**api: Any) -> list[str]:
    return [*installation._warnings({"rest_cherrypy": api})]


def test_a_console_that_is_served_as_it_should_be(console: str) -> None:
    assert warnings(app=f"{console}/index.html", static=console) == []
    assert warnings(port=8000) == []  # who wants none has none


def test_the_paths_of_another_console_are_told(console: str) -> None:
    (told,) = warnings(app=f"{console}/index.html", static="/srv/old")
    assert f"static is '/srv/old': for the console it has to be {console}" in told
    (told,) = warnings(static=console)
    assert "rest_cherrypy:app is None" in told


def test_passwords_in_the_clear_are_told(console: str) -> None:
    (told,) = warnings(app=f"{console}/index.html", static=console, disable_ssl=True)
    assert "disable_ssl" in told


def test_a_checkout_has_one_once_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "_PACKAGE", str(tmp_path / "package"))
    monkeypatch.setattr(loader, "_CHECKOUT", str(tmp_path))
    assert loader.console() is None
    for place in ("web/dist", "package/console"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "index.html").touch()
        assert loader.console() == str(tmp_path / place)
