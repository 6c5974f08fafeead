"""Fixtures for what is configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.host.configuration.release import Release


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """A release without files."""
    (tmp_path / "1.4-1.partial").mkdir()
    return Release(tmp_path / "1.4-1.partial")
