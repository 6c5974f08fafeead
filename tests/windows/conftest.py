"""The Windows Python for these tests; they are skipped, or fail, where there is no Wine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.need import need
from tests.windows import lab
from tests.windows.channel import Windows


@pytest.fixture(scope="session")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """A Windows Python with Salt, with a drive C of this run alone."""
    need("wine", not lab.missing(), lab.missing())
    wine = lab.a_copy(lab.installed(), tmp_path_factory.mktemp("windows") / "prefix")
    one = Windows(wine)
    yield one
    one.end()
    wine.remove()
