"""Services, as the project's own code sees them."""

from __future__ import annotations

from pushguide.host.windows.scm import Scm


def pid(name: str) -> int | None:
    """The process of a service."""
    return Scm().pid(name)


def set_binary_path(name: str, binary_path: str) -> None:
    """Change the command line of a service."""
    Scm().set_binary_path(name, binary_path)
