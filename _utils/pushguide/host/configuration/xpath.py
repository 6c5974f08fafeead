"""The part of XPath 1.0 that transforms of configuration use; the rest is refused by name.

Understood are paths of child steps, ``//``, ``.``, ``..``, ``@name``, ``*`` and ``text()``;
predicates with ``=``, ``!=``, ``and``, ``or``, texts, numbers and positions; and the functions
in :data:`FUNCTIONS`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pushguide.errors import StepFailed
from pushguide.host.configuration.xml_document import Node, attributes, elements

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"[^\"]*\"|'[^']*')|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<name>[^\W\d][\w.-]*(?::(?:[^\W\d][\w.-]*|\*))?)|(?P<sign>//|!=|\.\.|[/@*.=()\[\],]))"
)


class At(NamedTuple):
    """Where an expression is looked at: a node, and its place among those that were found."""

    node: Node
    position: int = 1
    size: int = 1


Compiled = Callable[[At], Any]


def select(expression: str, start: Node, namespaces: Mapping[str, str]) -> list[Node]:
    """The nodes that a path leads to.

    Args:
        expression: the path.
        start: where a relative one begins.
        namespaces: the namespaces of prefixes.

    Raises:
        StepFailed: it is no path, or uses what is not understood here.
    """
    found = _Parser(expression, namespaces).whole()(At(start))
    if not isinstance(found, list):
        raise StepFailed(f"The XPath {expression!r} leads to no element: give a path.")
    return found


def matching(expression: str, nodes: list[Node], namespaces: Mapping[str, str]) -> list[Node]:
    """Those of some nodes that a condition holds for.

    Args:
        expression: the condition, as it would stand in brackets.
        nodes: the nodes, which are neighbours.
        namespaces: the namespaces of prefixes.

    Raises:
        StepFailed: it uses what is not understood here.
    """
    return _filtered(nodes, _Parser(expression, namespaces).whole())


def _filtered(nodes: list[Node], condition: Compiled) -> list[Node]:
    kept = []
    for position, node in enumerate(nodes, start=1):
        found = condition(At(node, position, len(nodes)))
        if found == position if _is_number(found) else _truth(found):
            kept.append(node)
    return kept


# --- values ---------------------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return isinstance(value, float)


def _truth(value: Any) -> bool:
    return bool(value) and not (_is_number(value) and math.isnan(value))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return _text_of(value[0]) if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if _is_number(value) else str(value)


def _text_of(node: Node) -> str:
    if node.nodeType in (node.ELEMENT_NODE, node.DOCUMENT_NODE):
        kinds = (node.ELEMENT_NODE, node.TEXT_NODE, node.CDATA_SECTION_NODE)
        return "".join(_text_of(one) for one in node.childNodes if one.nodeType in kinds)
    return str(node.nodeValue)


def _number(value: Any) -> float:
    try:
        return float(value if isinstance(value, (bool, float)) else _text(value))
    except ValueError:
        return float("nan")


def _equal(one: Any, other: Any, wanted: bool) -> bool:
    """Whether two values are equal, or unequal; of several nodes one that is so is enough."""
    for left in [_text_of(each) for each in one] if isinstance(one, list) else [one]:
        for right in [_text_of(each) for each in other] if isinstance(other, list) else [other]:
            if isinstance(one, bool) or isinstance(other, bool):
                same = _truth(one) == _truth(other)
            elif _is_number(left) or _is_number(right):
                same = _number(left) == _number(right)
            else:
                same = left == right
            if same == wanted:
                return True
    return False


#: Of each function how many arguments it takes, and what it does.
FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "not": (1, lambda at, value: not _truth(value)),
    "contains": (2, lambda at, text, part: _text(part) in _text(text)),
    "starts-with": (2, lambda at, text, part: _text(text).startswith(_text(part))),
    "position": (0, lambda at: float(at.position)),
    "last": (0, lambda at: float(at.size)),
    "name": (0, lambda at: at.node.nodeName),
    "local-name": (0, lambda at: at.node.localName or ""),
}


# --- reading --------------------------------------------------------------------------------


class _Parser:
    """Reads an expression, and makes a function of it."""

    def __init__(self, expression: str, namespaces: Mapping[str, str]) -> None:
        self.expression = expression
        self.namespaces = namespaces
        self.tokens: list[tuple[str, str]] = []
        at, end = 0, len(expression.rstrip())
        while at < end:
            found = _TOKEN.match(expression, at)
            if not found:
                raise self._refused(expression[at:].split()[0])
            assert found.lastgroup
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()

    def whole(self) -> Compiled:
        """The expression, of which nothing may be left over."""
        read = self._either()
        if self.tokens:
            raise self._refused(self.tokens[0][1])
        return read

    def _refused(self, what: str) -> StepFailed:
        return StepFailed(
            f"The XPath {self.expression!r} is not understood at {what!r}: of XPath only paths, "
            f"=, !=, and, or, positions and the functions {', '.join(FUNCTIONS)} can be used."
        )

    def _next(self) -> tuple[str, str]:
        if not self.tokens:
            raise self._refused("its end")
        return self.tokens.pop(0)

    def _is(self, *words: str) -> bool:
        return bool(self.tokens) and self.tokens[0][0] != "text" and self.tokens[0][1] in words

    def _take(self, word: str) -> bool:
        return self._is(word) and bool(self.tokens.pop(0))

    def _demand(self, word: str) -> None:
        kind, found = self._next()
        if kind == "text" or found != word:
            raise self._refused(found)

    def _either(self) -> Compiled:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda at: any(_truth(one(at)) for one in parts)

    def _both(self) -> Compiled:
        parts = [self._compared()]
        while self._take("and"):
            parts.append(self._compared())
        return parts[0] if len(parts) == 1 else lambda at: all(_truth(one(at)) for one in parts)

    def _compared(self) -> Compiled:
        left = self._value()
        if not self._is("=", "!="):
            return left
        wanted = self._next()[1] == "="
        right = self._value()
        return lambda at: _equal(left(at), right(at), wanted)

    def _value(self) -> Compiled:
        kind, word = self.tokens[0] if self.tokens else self._next()
        if kind == "text":
            self.tokens.pop(0)
            return lambda _: word[1:-1]
        if kind == "number":
            self.tokens.pop(0)
            return lambda _: float(word)
        if self._take("("):
            inner = self._either()
            self._demand(")")
            return inner
        if kind == "name" and self.tokens[1:2] == [("sign", "(")] and word != "text":
            return self._function()
        return self._path()

    def _function(self) -> Compiled:
        _, name = self._next()
        if name not in FUNCTIONS:
            raise self._refused(name)
        count, function = FUNCTIONS[name]
        self._demand("(")
        given: list[Compiled] = []
        while len(given) < count:
            if given:
                self._demand(",")
            given.append(self._either())
        self._demand(")")
        return lambda at: function(at, *(one(at) for one in given))

    def _path(self) -> Compiled:
        steps: list[Callable[[Node], list[Node]]] = []
        is_absolute = self._is("/", "//")
        if not is_absolute:
            steps.append(self._step())
        while self._is("/", "//"):
            if self._next()[1] == "//":
                steps.append(_with_all_below)
            steps.append(self._step())

        def walk(at: At) -> list[Node]:
            nodes = [_document_of(at.node) if is_absolute else at.node]
            for step in steps:
                found = (one for node in nodes for one in step(node))
                nodes = list({id(one): one for one in found}.values())
            return nodes

        return walk

    def _step(self) -> Callable[[Node], list[Node]]:
        step = self._nodes()
        conditions = []
        while self._take("["):
            conditions.append(self._either())
            self._demand("]")

        def filtered(node: Node) -> list[Node]:
            found = step(node)
            for condition in conditions:
                found = _filtered(found, condition)
            return found

        return filtered

    def _nodes(self) -> Callable[[Node], list[Node]]:
        kind, word = self._next()
        if word == "@" and kind == "sign":
            is_wanted = self._test(*self._next())
            return lambda node: [one for one in _attributes_of(node) if is_wanted(one)]
        if kind == "sign" and word in (".", ".."):
            return (lambda node: [node]) if word == "." else _parent_of
        if kind == "name" and word == "text" and self._take("("):
            self._demand(")")
            return lambda node: [one for one in node.childNodes if one.nodeType == one.TEXT_NODE]
        is_wanted = self._test(kind, word)
        return lambda node: [one for one in elements(node) if is_wanted(one)]

    def _test(self, kind: str, word: str) -> Callable[[Node], bool]:
        """Whether a node has a name, which may be of a namespace."""
        if word == "*" and kind == "sign":
            return lambda node: True
        prefix, _, local = word.rpartition(":")
        if kind != "name" or (prefix and prefix not in self.namespaces):
            raise self._refused(word)
        namespace = self.namespaces.get(prefix) if prefix else None
        return lambda node: (
            local in ("*", node.localName) and (node.namespaceURI or None) == namespace
        )


def _document_of(node: Node) -> Node:
    return node if node.nodeType == node.DOCUMENT_NODE else node.ownerDocument


def _attributes_of(node: Node) -> list[Node]:
    return list(attributes(node)) if node.nodeType == node.ELEMENT_NODE else []


def _parent_of(node: Node) -> list[Node]:
    above = node.ownerElement if node.nodeType == node.ATTRIBUTE_NODE else node.parentNode
    return [above] if above is not None else []


def _with_all_below(node: Node) -> list[Node]:
    return [node, *(deeper for one in elements(node) for deeper in _with_all_below(one))]
