"""Needs: what a test wants beyond Python, and whether its absence may be passed over."""

from __future__ import annotations

import os

import pytest

#: Names that must be there, by comma: postgresql, mariadb, tomcat, salt3006, gitfs, haproxy,
#: nginx, zip, gnupg, sshd, wine, mono, windows, dotnet, chromium, promtool, tmpfs, netns.
REQUIRE = "PUSHGUIDE_REQUIRE"


def need(name: str, condition: object, why: str) -> None:
    """Skip the test where what it needs is missing; fail it where that has to be there.

    Args:
        name: what is needed, as PUSHGUIDE_REQUIRE names it.
        condition: whether it is there.
        why: what is missing, and how to get it.
    """
    if condition:
        return
    required = {one.strip() for one in os.environ.get(REQUIRE, "").split(",")}
    if name in required:
        pytest.fail(f"{REQUIRE} names {name}: {why}", pytrace=False)
    pytest.skip(why)
