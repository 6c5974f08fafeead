"""XML as people write it: what is not changed is written as it was read, as far as that goes.

Prefixes, comments, the declaration, indentation, ends of lines and the encoding stay. Blanks
within a tag and the kind of quotes do not. A document type is refused: it could hold entities
that expand without end, or that read other files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.dom import minidom
from xml.parsers import expat

from pushguide.errors import StepFailed
from pushguide.host.configuration.text import Text, decoded

_DECLARATION = re.compile(rb"\s*<\?xml\s[^>]*?encoding\s*=\s*[\"']([\w.-]+)[\"']")
_HEAD = re.compile(r"\A<\?xml\s[^>]*\?>\s*")
_NAMESPACES = "http://www.w3.org/2000/xmlns/"
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_IN_ATTRIBUTES = {**_ESCAPED, '"': "&quot;", "\n": "&#10;", "\t": "&#9;"}
#: Prefixes that need no declaration.
_KNOWN = {"xml": "http://www.w3.org/XML/1998/namespace", "": ""}

#: minidom's own types know a node's parents and neighbours only by their union.
Node = Any
Element = Any
Attribute = Any


class Document:
    """An XML file.

    Args:
        content: what is in the file.
        name: its name, for messages.

    Raises:
        StepFailed: it is no XML that is read here.
    """

    def __init__(self, content: bytes, name: str) -> None:
        told = _DECLARATION.match(content)
        self.name = name
        self._text = decoded(content, name, told[1].decode() if told else "utf-8")
        text = self._text.text
        head = _HEAD.match(text)
        self._head = head[0] if head else ""
        self._tail = "\n" if text.endswith("\n") else ""
        try:
            _refuse_document_types(text, name)
            self.dom = minidom.parseString(text)  # noqa: S318 - what makes it unsafe is refused
        except (expat.ExpatError, RecursionError) as err:
            raise StepFailed(f"{name} in the release is not well-formed XML: {err}.") from None

    @property
    def root(self) -> Element:
        """The outermost element."""
        found = self.dom.documentElement
        assert found is not None
        return found

    def to_bytes(self) -> bytes:
        """The document as it is written."""
        inside = "\n".join("".join(_written(one, _KNOWN)) for one in self.dom.childNodes)
        whole = Text(self._head + inside + self._tail, *self._text[1:])
        return whole.to_bytes("xmlcharrefreplace")

    # Changes; what is put in is indented as its neighbours are.

    def append(self, parent: Element, node: Node) -> None:
        """Put a node behind everything in an element."""
        inside = elements(parent)
        indent = _indent_of(inside[-1]) if inside else self._deeper(parent)
        end = parent.lastChild
        if indent is None:
            parent.appendChild(node)
        elif inside:
            after = end if _is_blank(end) else None
            parent.insertBefore(self._blank(indent), after)
            parent.insertBefore(node, after)
        else:
            while _is_blank(parent.lastChild):
                parent.removeChild(parent.lastChild)
            for one in (self._blank(indent), node, self._blank(_indent_of(parent) or "\n")):
                parent.appendChild(one)

    def insert(self, node: Node, before: Element | None = None, after: Node = None) -> None:
        """Put a node before an element, or after one."""
        beside = before or after
        indent, parent = _indent_of(beside), beside.parentNode
        parent.insertBefore(node, before or after.nextSibling)
        if indent is not None:
            parent.insertBefore(self._blank(indent), before or node)

    def remove(self, node: Element) -> None:
        """Take an element out, and the line that it began."""
        parent = node.parentNode
        if _is_blank(node.previousSibling):
            parent.removeChild(node.previousSibling)
        parent.removeChild(node)

    def add(self, parent: Element, name: str, given: Mapping[str, str]) -> Element:
        """Make an element, in the namespace of its parent, and put it behind everything there.

        Args:
            parent: where to put it.
            name: its name.
            given: its attributes.
        """
        made = self.dom.createElementNS(parent.namespaceURI, name)
        for key, value in given.items():
            made.setAttribute(key, value)
        self.append(parent, made)
        return made

    def _deeper(self, parent: Element) -> str | None:
        """How the first element in another one is indented; None where nothing is."""
        own = "\n" if parent is self.root else _indent_of(parent)
        first = next(iter(elements(self.root)), None)
        step = (_indent_of(first) if first else None) or "\n  "
        return None if own is None or (first and _indent_of(first) is None) else own + step[1:]

    def _blank(self, text: str) -> Node:
        return self.dom.createTextNode(text)


def elements(parent: Node) -> list[Element]:
    """The elements that lie directly in a node."""
    return [one for one in parent.childNodes if one.nodeType == one.ELEMENT_NODE]


def attributes(element: Element) -> list[Attribute]:
    """The attributes of an element, without declarations of namespaces."""
    return [one for one in _all_attributes(element) if one.namespaceURI != _NAMESPACES]


def namespaces(element: Node) -> dict[str, str]:
    """The namespaces that are declared where an element stands, by their prefixes."""
    if element.nodeType != element.ELEMENT_NODE:
        return {}
    return {**namespaces(element.parentNode), **_declared(element)}


def undeclare(element: Element, namespace: str) -> None:
    """Take the declarations of a namespace out of an element."""
    for one in _all_attributes(element):
        if one.namespaceURI == _NAMESPACES and one.value == namespace:
            element.removeAttributeNode(one)


def _all_attributes(element: Element) -> list[Attribute]:
    return [element.attributes.item(at) for at in range(element.attributes.length)]


def _declared(element: Element) -> dict[str, str]:
    found = [one for one in _all_attributes(element) if one.namespaceURI == _NAMESPACES]
    return {one.name.partition(":")[2]: one.value for one in found}


def _refuse_document_types(text: str, name: str) -> None:
    def refuse(*_: Any) -> None:
        raise StepFailed(
            f"{name} in the release has a document type (DOCTYPE), which is refused: its entities "
            "may expand without end, or read other files. Leave it out."
        )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(text, True)


def _is_blank(node: Node) -> bool:
    return node is not None and node.nodeType == node.TEXT_NODE and not node.data.strip()


def _indent_of(node: Node) -> str | None:
    """The end of a line and the blanks before a node; None if it does not begin a line."""
    before = node.previousSibling
    if not _is_blank(before) or "\n" not in before.data:
        return None
    return "\n" + str(before.data).rpartition("\n")[2]


def _written(node: Node, scope: dict[str, str]) -> Iterator[str]:
    """A node as text.

    Args:
        node: the node.
        scope: the namespaces that are declared around it, by their prefixes.
    """
    if node.nodeType == node.ELEMENT_NODE:
        yield from _written_element(node, scope)
    elif node.nodeType == node.CDATA_SECTION_NODE:
        yield f"<![CDATA[{node.data}]]>"
    elif node.nodeType == node.TEXT_NODE:
        yield _escaped(node.data, _ESCAPED)
    elif node.nodeType == node.COMMENT_NODE:
        yield f"<!--{node.data}-->"
    else:
        yield f"<?{node.target} {node.data}?>"


def _written_element(element: Element, scope: dict[str, str]) -> Iterator[str]:
    scope = {**scope, **_declared(element)}
    yield f"<{element.tagName}"
    for one in _all_attributes(element):
        yield f' {one.name}="{_escaped(one.value, _IN_ATTRIBUTES)}"'
    # What came from another document may stand in namespaces that are not declared here.
    for one in (element, *(a for a in attributes(element) if a.prefix)):
        prefix, wanted = one.prefix or "", one.namespaceURI or ""
        if scope.get(prefix, "") != wanted:
            scope[prefix] = wanted
            yield f' xmlns{":" * bool(prefix)}{prefix}="{_escaped(wanted, _IN_ATTRIBUTES)}"'
    if not element.childNodes:
        yield " />"
        return
    yield ">"
    for child in element.childNodes:
        yield from _written(child, scope)
    yield f"</{element.tagName}>"


def _escaped(text: str, signs: dict[str, str]) -> str:
    return "".join(signs.get(one, one) for one in text)
