"""Check that loader files import only what Salt's loader can give them, and at the top.

Usage: ``python tools/check_loader_imports.py [CHECKOUT]``

Salt puts ``_utils`` on the path while it loads a file, and takes it off again: an import of
pushguide that waits until a function runs fails on a host that has pushguide by sync alone.
Whatever else a file would need belongs into ``_utils/pushguide``, where it can be tested
without a loader. The files are parsed, never imported.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDERS = ("_modules", "_runners", "_states", "_returners", "_pillar", "_engines")

ALLOWED = ("__future__", "logging", "typing", "salt", "pushguide")

#: What hosts do not have, since it needs packages that only the master has.
MASTER_ONLY = "pushguide.master"


class Offender(NamedTuple):
    """An import that would fail, or that belongs elsewhere."""

    path: Path
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.problem}"


def main(arguments: list[str]) -> int:
    """Print each offender, and return the exit status."""
    checkout = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    offenders = list(check(checkout))
    for offender in offenders:
        print(offender)
    return 1 if offenders else 0


def check(checkout: Path) -> Iterator[Offender]:
    """Yield the offenders in all loader folders of a checkout."""
    for folder in FOLDERS:
        for path in sorted((checkout / folder).rglob("*.py")):
            yield from check_file(path, folder)


def check_file(path: Path, folder: str) -> Iterator[Offender]:
    """Yield the offenders in one loader file."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node, in_function in _imports(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield Offender(path, node.lineno, "a relative import fails in Salt's loader")
            continue
        for name in _imported(node):
            if in_function:
                yield Offender(path, node.lineno, f"{name} is imported inside a function")
            elif name.partition(".")[0] not in ALLOWED:
                yield Offender(
                    path,
                    node.lineno,
                    f"{name} is none of {', '.join(ALLOWED)}: what needs it"
                    " belongs into _utils/pushguide",
                )
            elif folder == "_modules" and f"{name}.".startswith(f"{MASTER_ONLY}."):
                yield Offender(path, node.lineno, f"{name} is not there on a host")


def _imports(
    node: ast.AST, in_function: bool = False
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Yield each import, and whether it waits until a function runs."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, in_function
        else:
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, in_function or function)


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the names as they would stand after ``import``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.module == "pushguide":
        return [f"pushguide.{alias.name}" for alias in node.names]
    return [str(node.module)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
