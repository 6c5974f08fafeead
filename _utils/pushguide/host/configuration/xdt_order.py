"""An element of a transform: what is to be done, and which elements of a document it means."""

from __future__ import annotations

import re

from pushguide.errors import StepFailed
from pushguide.host.configuration import xpath
from pushguide.host.configuration.xml_document import (
    Element,
    Node,
    attributes,
    elements,
    namespaces,
)

NAMESPACE = "http://schemas.microsoft.com/XML-Document-Transform"
LOCATORS = ("Match", "Condition", "XPath")
_CALL = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*\Z", re.DOTALL)
_QUIETLY = "SupressWarnings"  # spelled so by Microsoft
#: What an unprefixed name of a namespace is called in an XPath.
_DEFAULT = "_defaultNamespace"


class Order:
    """An element of a transform.

    Args:
        element: the element.
        above: the order that it lies in; None for the outermost one.
        file: the transform's name, for messages.
    """

    def __init__(self, element: Element, above: Order | None, file: str) -> None:
        self.element = element
        self.above = above
        self.file = file
        given = namespaces(element)
        self.namespaces = {**given, _DEFAULT: given.get("", "")}
        for one in attributes(element):
            known = ("Transform", "Locator", _QUIETLY)
            if one.namespaceURI == NAMESPACE and one.localName not in known:
                raise self.refused(f"there is no {one.name}")
        self.locator, self.where = self._call("Locator")
        self.transform, self.argument = self._call("Transform")
        self.is_quiet = element.getAttributeNS(NAMESPACE, _QUIETLY).lower() == "true"
        if element.namespaceURI == NAMESPACE:
            raise self.refused("elements of that namespace, such as Import, are not known here")
        if self.locator and self.locator not in LOCATORS:
            raise self.refused(f"there is no locator {self.locator!r}: use {', '.join(LOCATORS)}")
        if self.locator and not self.where:
            raise self.refused(f"{self.locator} needs something in parentheses")

    def _call(self, name: str) -> tuple[str, str]:
        """The name and the argument that an attribute holds; empty for none."""
        if not self.element.hasAttributeNS(NAMESPACE, name):
            return "", ""
        value = self.element.getAttributeNS(NAMESPACE, name)
        found = _CALL.match(value)
        if not found:
            raise self.refused(f"{name} {value!r} does not read")
        return found[1], (found[2] or "").strip()

    @property
    def words(self) -> list[str]:
        """The argument of the transform, as names."""
        return _words(self.argument)

    def refused(self, why: str) -> StepFailed:
        """The error that an order cannot be carried out."""
        return StepFailed(f"{self.file} in the release, at {self.path}: {why}.")

    @property
    def path(self) -> str:
        """Where the order stands."""
        return f"{self.above.path if self.above else ''}/{self.element.tagName}"

    # What it is about.

    def targets(self, dom: Node) -> list[Element]:
        """The elements of the document that it means, as the document is now."""
        if self.locator == "XPath":
            return self._absolute(dom)
        parents = self.above.targets(dom) if self.above else [dom]
        return [one for parent in parents for one in self._in(parent)]

    def parents(self, dom: Node) -> list[Element]:
        """The elements of the document that what is inserted goes into."""
        if self.locator == "XPath":
            return self._absolute(dom)
        return self.above.targets(dom) if self.above else []

    def _absolute(self, dom: Node) -> list[Element]:
        if not self.where.startswith("/"):
            raise self.refused(
                f"the XPath {self.where!r} is relative, which Microsoft's page and its program "
                "read differently: begin it with '/'"
            )
        return [
            one
            for one in xpath.select(self.where, dom, self.namespaces)
            if one.nodeType == one.ELEMENT_NODE
        ]

    def _in(self, parent: Node) -> list[Element]:
        mine = (self.element.namespaceURI, self.element.localName)
        alike = [one for one in elements(parent) if (one.namespaceURI, one.localName) == mine]
        if self.locator == "Match":
            for name in _words(self.where):
                if not self.element.hasAttribute(name):
                    raise self.refused(f"Match({name}) needs the attribute {name} here")
                wanted = self.element.getAttribute(name)
                alike = [one for one in alike if one.getAttribute(name) == wanted]
        elif self.locator == "Condition":
            alike = xpath.matching(_unbracketed(self.where), alike, self.namespaces)
        return alike


def _words(argument: str) -> list[str]:
    return [one.strip() for one in argument.split(",")] if argument else []


def _unbracketed(condition: str) -> str:
    is_bracketed = condition.startswith("[") and condition.endswith("]")
    return condition[1:-1] if is_bracketed else condition
