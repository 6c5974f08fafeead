"""Check that every function Salt exposes tells its users how to call it.

Usage: ``python tools/check_docstrings.py [CHECKOUT]``

Execution modules and runners need a ``CLI Example:`` block, states a YAML example, and all of
them, returners, pillars and engines too, a docstring with a summary line. An example has to
name the function that it is an example of. The files are parsed, never imported.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDERS = ("_modules", "_runners", "_states", "_returners", "_pillar", "_engines")

#: What the example of a kind of function looks like: its heading, and how it is called here.
EXAMPLES = {
    "_modules": (r"^CLI Examples?:$\n+\.\. code-block:: \w+$", "CLI Example:"),
    "_runners": (r"^CLI Examples?:$\n+\.\. code-block:: \w+$", "CLI Example:"),
    "_states": (r"^\.\. code-block:: yaml$", ".. code-block:: yaml"),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Offender(NamedTuple):
    """A function whose docstring leaves its users alone."""

    path: Path
    line: int
    function: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.function}: {self.problem}"


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
    names = _literal(tree, "__func_alias__") or {}
    virtual_name = _literal(tree, "__virtualname__") or path.stem
    for function in exposed_functions(tree):
        full_name = f"{virtual_name}.{names.get(function.name, function.name)}"
        for problem in problems(ast.get_docstring(function), full_name, folder):
            yield Offender(path, function.lineno, full_name, problem)


def exposed_functions(tree: ast.Module) -> Iterator[Function]:
    """Yield what Salt's loader takes: public, at the top, and listed if the file has a list."""
    listed = _literal(tree, "__load__") or _literal(tree, "__all__")
    for node in _top_level(tree.body):
        if not isinstance(node, Function) or node.name.startswith("_"):
            continue
        if listed is None or node.name in listed:
            yield node


def problems(docstring: str | None, full_name: str, folder: str) -> Iterator[str]:
    """Yield what is missing in a docstring."""
    if not docstring or not docstring.strip():
        yield "no docstring"
        return
    first_line = docstring.strip().splitlines()[0]
    if re.match(r"CLI Examples?:|\.\. |:\w+", first_line):
        yield "no summary line"
    if folder in EXAMPLES:
        pattern, wanted = EXAMPLES[folder]
        examples = list(_examples(docstring, pattern))
        if not examples:
            yield f"no example under '{wanted}'"
        elif not any(re.search(rf"\b{re.escape(full_name)}\b", text) for text in examples):
            yield f"no example calls {full_name}"


def _examples(docstring: str, pattern: str) -> Iterator[str]:
    """Yield the indented text after each place where the pattern matches."""
    for found in re.finditer(pattern, docstring, re.MULTILINE):
        block = re.match(r"\n(?:(?:[ \t]+\S.*)?(?:\n|\Z))+", docstring[found.end() :])
        if block and block.group().strip():
            yield block.group()


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a file, those under ``if``, ``try`` and ``with`` as well."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from _top_level(node.body)
            yield from _top_level(getattr(node, "orelse", []))
            yield from _top_level(getattr(node, "finalbody", []))
            for handler in getattr(node, "handlers", []):
                yield from _top_level(handler.body)


def _literal(tree: ast.Module, name: str) -> Any:
    """Return the plain value that a file gives to a name, or None."""
    for node in _top_level(tree.body):
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            try:
                return ast.literal_eval(node.value)
            except ValueError:
                return None
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
