"""Files of a release that are rendered with Jinja.

A template comes with the artifact: whoever builds it is not who runs the host. So it sees only the
values that the module's template hands it, and knows only a small part of Jinja, in which nothing
can grow or run without bounds: no calls, assignments, macros, includes, products or powers.
"""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pushguide.errors import StepFailed
from pushguide.host.configuration.change import FileChange
from pushguide.host.configuration.text import Text, decoded
from pushguide.host.configuration.tree import Tree
from pushguide.host.configuration.values import Values

#: The longest template, in characters, and the longest file that comes of it.
MOST_CHARACTERS = 64 * 1024
MOST_RENDERED = 1024 * 1024
#: How often all loops of a template together may go round, and how long it may take.
MOST_ROUNDS = 20_000
MOST_SECONDS = 10.0

FILTERS = (
    *("default", "d", "lower", "upper", "trim", "int", "float", "string", "length", "first"),
    *("last", "sort", "unique", "tojson", "escape", "e"),
)
TESTS = ("defined", "undefined", "none", "string", "number", "mapping", "boolean", "in")
_KNOWN_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.For),
    *(nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Filter, nodes.Test, nodes.Getattr, nodes.Getitem, nodes.Concat, nodes.Add, nodes.Sub),
    *(nodes.Neg, nodes.Pos, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair),
)
#: What a name may stand in without a value.
_GUARDS = ("defined", "undefined", "default", "d")
_COUNTED = "counted by pushguide"
#: What a template is called in a traceback.
_FILE = "<template>"


@dataclass(kw_only=True)
class TemplateChange(FileChange):
    """A file is rendered from a template that lies in the release."""

    kind: ClassVar[str] = "template"

    source: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, tree: Tree, values: Values) -> list[str]:
        """Render the file."""
        source = values.name(self.source)
        text = decoded(tree.read(source), source)
        given = {**values.known, "id": values.minion_id, **values.filled(self.values)}
        rendered = render(text.text, given, source)
        written = Text(rendered, *text[1:]).to_bytes()
        tree.write(values.name(self.file), written, self.mode)
        return []


def render(source: str, given: Mapping[str, Any], name: str) -> str:
    """Render a template.

    Args:
        source: the template.
        given: the values that it may use.
        name: its name, for messages.

    Raises:
        StepFailed: it uses what it may not, or what is not there, or goes beyond a bound. The
            message holds nothing of the values.
    """
    if len(source) > MOST_CHARACTERS:
        raise StepFailed(f"{name} in the release is longer than {MOST_CHARACTERS} characters.")
    budget = _Budget(name)
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    environment.globals.clear()
    environment.filters[_COUNTED] = budget.counted
    try:
        tree = environment.parse(source)
        _refuse_unknown(tree, name)
        _refuse_undefined(tree, given, name)
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        return "".join(budget.within(environment.from_string(tree).generate(given)))
    except jinja2.TemplateSyntaxError as err:
        told = f"{name} in the release, line {err.lineno}: {err.message}"
        raise StepFailed(f"{told}.") from None
    except StepFailed:
        raise
    except Exception as err:  # noqa: BLE001 - whatever the template made of it
        # What it says may hold one of the values.
        told = f"{name} in the release{_line_of(err)} cannot be rendered: {type(err).__name__}"
        raise StepFailed(f"{told}. What it says is not shown, it may hold a secret.") from None


class _Budget:
    """What a template may use up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rounds = 0
        self.until = time.monotonic() + MOST_SECONDS

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items of a loop, as long as there are not too many."""
        for one in items:
            self.rounds += 1
            if self.rounds > MOST_ROUNDS or time.monotonic() > self.until:
                raise StepFailed(
                    f"{self.name} in the release goes round more than {MOST_ROUNDS} times, or "
                    f"takes longer than {MOST_SECONDS:g} s."
                )
            yield one

    def within(self, pieces: Iterable[str]) -> Iterator[str]:
        """What is rendered, as long as it is not too long."""
        length = 0
        for one in pieces:
            length += len(one)
            if length > MOST_RENDERED or time.monotonic() > self.until:
                raise StepFailed(
                    f"{self.name} in the release renders to more than {MOST_RENDERED} characters, "
                    f"or takes longer than {MOST_SECONDS:g} s."
                )
            yield one


def _refuse_unknown(tree: nodes.Template, name: str) -> None:
    for one in tree.find_all(nodes.Node):
        if isinstance(one, nodes.Filter):
            _demand(one.name in FILTERS and not _arguments_of(one), one, f"|{one.name}", name)
        elif isinstance(one, nodes.Test):
            _demand(one.name in TESTS and not one.args, one, f"the test {one.name}", name)
        elif isinstance(one, nodes.Name):
            _demand(one.name != "self", one, "self", name)
        elif isinstance(one, nodes.For):
            _demand(not one.recursive, one, "a recursive loop", name)
        what = re.sub(r"(?<!^)(?=[A-Z])", " ", type(one).__name__).lower()
        _demand(type(one) in _KNOWN_NODES, one, f"a Jinja {what}", name)


def _arguments_of(one: nodes.Filter) -> bool:
    """Whether a filter has arguments that it may not have: a default is the only one."""
    is_default = one.name in ("default", "d") and len(one.args) <= 1
    return bool((one.args and not is_default) or one.kwargs or one.dyn_args or one.dyn_kwargs)


def _demand(is_allowed: bool, node: nodes.Node, what: str, name: str) -> None:
    if not is_allowed:
        raise StepFailed(
            f"{name} in the release, line {node.lineno}: {what} is not for templates of releases. "
            f"There are loops, conditions, and without arguments the filters {', '.join(FILTERS)}."
        )


def _refuse_undefined(tree: nodes.Template, given: Mapping[str, Any], name: str) -> None:
    guards = [one for one in tree.find_all((nodes.Test, nodes.Filter)) if one.name in _GUARDS]
    guarded = {one.node.name for one in guards if isinstance(one.node, nodes.Name)}
    missing = sorted(meta.find_undeclared_variables(tree) - {*given} - guarded)
    if missing:
        raise StepFailed(
            f"{name} in the release uses {', '.join(missing)}, which the template does not give "
            f"it (values); there are {', '.join(sorted(given))}."
        )


def _line_of(err: Exception) -> str:
    lines = [at.lineno for at in traceback.extract_tb(err.__traceback__) if at.filename == _FILE]
    return f", line {lines[-1]}," if lines else ""
