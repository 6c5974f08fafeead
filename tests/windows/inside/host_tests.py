"""Run tests of the host's side, which are written for any platform, by this Python."""

from __future__ import annotations

import os
import sys
import types
from unittest import mock

sys.path[:0] = [r"C:\lab", r"C:\project", r"C:\project\_utils"]

import minion  # noqa: E402  # it lies there

PLUGINS = ("pytest_timeout",)


def main(site_packages: str, report: str, *arguments: str) -> int:
    """Run pytest.

    Args:
        site_packages: where the machine's own Python has it; all of it that is used is Python.
        report: where to write what became of each test, as JUnit's XML.
        arguments: more of pytest's arguments.
    """
    minion.functions()  # as a minion has them, with what stands in for what Wine lacks
    sys.path.append(site_packages)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import pytest

    sys.modules |= _without_hypothesis()
    os.chdir(r"C:\project")
    options = ["-p", "no:cacheprovider", rf"--basetemp=C:\pytest\{os.getpid()}", "-q"]
    options += [f"-p{one}" for one in PLUGINS] + [f"--junitxml={report}"]
    return int(pytest.main([*options, *arguments]))


def _without_hypothesis() -> dict[str, types.ModuleType]:
    """Hypothesis, whose tests are skipped: the machine's own is compiled for the machine."""
    import pytest

    package = types.ModuleType("hypothesis")
    package.strategies = mock.MagicMock()  # type: ignore[attr-defined]
    package.HealthCheck = mock.MagicMock()  # type: ignore[attr-defined]
    package.settings = lambda *_, **__: lambda test: test  # type: ignore[attr-defined]
    skipped = pytest.mark.skip(reason="there is no Hypothesis for this Python")
    package.given = lambda *_, **__: skipped  # type: ignore[attr-defined]
    return {"hypothesis": package, "hypothesis.strategies": package.strategies}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
