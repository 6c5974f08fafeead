"""Transforms of XML documents as .NET has them: ``xdt:Transform`` and ``xdt:Locator``.

It does what Microsoft.Web.XmlTransform does, and refuses what it does not know. Where that engine
only warns that an element is missing, a change that cannot be made is an error here; where it
would take something away that is not there, that is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from pushguide.errors import StepFailed
from pushguide.host.configuration import xpath
from pushguide.host.configuration.change import FileChange
from pushguide.host.configuration.tree import Tree
from pushguide.host.configuration.values import Values
from pushguide.host.configuration.xdt_order import NAMESPACE, Order
from pushguide.host.configuration.xml_document import (
    Document,
    Element,
    attributes,
    elements,
    namespaces,
    undeclare,
)


@dataclass(kw_only=True)
class TransformChange(FileChange):
    """A file of the release is transformed by another one of it."""

    kind: ClassVar[str] = "transform"

    by: str

    def apply(self, tree: Tree, values: Values) -> list[str]:
        """Transform the file."""
        name, by = values.name(self.file), values.name(self.by)
        document = Document(tree.read(name), name)
        noted = transform(document, Document(tree.read(by), by))
        tree.write(name, document.to_bytes(), self.mode)
        return noted


def transform(document: Document, orders: Document) -> list[str]:
    """Change a document as a transform says.

    Args:
        document: what is changed.
        orders: the transform.

    Returns:
        What the transform says in vain, such as to remove an element that is not there.

    Raises:
        StepFailed: it says what is not known here, or what cannot be done to this document.
    """
    if NAMESPACE not in _declared_in(orders.root):
        raise StepFailed(
            f"{orders.name} in the release is no transform: it does not declare the namespace "
            f"{NAMESPACE}."
        )
    return _Transformation(document, orders).carry_out()


def _declared_in(element: Element) -> set[str]:
    found = {*namespaces(element).values()}
    return found.union(*(_declared_in(one) for one in elements(element)))


class _Transformation:
    """A transform on its way through a document."""

    def __init__(self, document: Document, orders: Document) -> None:
        self.document = document
        self.orders = orders
        self.noted: list[str] = []
        self.count = 0

    def carry_out(self) -> list[str]:
        """Carry out all orders, in the order in which they stand."""
        self._walk(Order(self.orders.root, None, self.orders.name))
        if not self.count:
            self.noted.append(f"{self.orders.name} changes nothing: it has no xdt:Transform")
        return self.noted

    def _walk(self, order: Order) -> None:
        if order.transform:
            self.count += 1
            self._one(order)
        elif order.locator and not elements(order.element):
            raise order.refused(f"{order.locator} says where, but no Transform says what")
        for inner in elements(order.element):
            self._walk(Order(inner, order, order.file))

    def _one(self, order: Order) -> None:
        found = TRANSFORMS.get(order.transform)
        if not found:
            known = ", ".join(TRANSFORMS)
            raise order.refused(f"there is no transform {order.transform!r}: use {known}")
        if order.argument and not found.takes_argument:
            raise order.refused(f"{order.transform} takes nothing in parentheses")
        if found.needs_argument and not order.argument:
            raise order.refused(f"{order.transform} needs something in parentheses")
        found.function(self, order)

    def note(self, order: Order, what: str) -> None:
        """Note what was said in vain."""
        if not order.is_quiet:
            self.noted.append(f"{order.file}, {order.path}: {what}")

    def copy_of(self, order: Order) -> Element:
        """The element of an order as it goes into the document."""
        made: Element = self.document.dom.importNode(order.element, True)
        _clean(made)
        return made

    def targets(self, order: Order) -> list[Element]:
        """What an order means; that it means nothing is an error.

        Raises:
            StepFailed: there is nothing of the kind.
        """
        found = order.targets(self.document.dom)
        if not found:
            raise order.refused(f"{order.transform} finds no such element in {self.document.name}")
        return found

    def parent(self, order: Order) -> Element:
        """What an order inserts into.

        Raises:
            StepFailed: there is nothing of the kind.
        """
        if order.above is None:
            raise order.refused(f"{order.transform} is not for the outermost element")
        found = order.parents(self.document.dom)
        if not found:
            raise order.refused(
                f"{order.transform} finds no element in {self.document.name} to insert into"
            )
        return found[0]

    # The transforms.

    def replace(self, order: Order) -> None:
        """Put the element in the place of the first one that it means."""
        first = self.targets(order)[0]
        first.parentNode.replaceChild(self.copy_of(order), first)

    def insert(self, order: Order) -> None:
        """Put the element behind what is there."""
        self.document.append(self.parent(order), self.copy_of(order))

    def insert_if_missing(self, order: Order) -> None:
        """Put the element behind what is there, unless there is such a one."""
        if order.locator == "XPath":
            raise order.refused("InsertIfMissing and XPath do not go together: use Match")
        parent = self.parent(order)
        if not order.targets(self.document.dom):
            self.document.append(parent, self.copy_of(order))

    def insert_before(self, order: Order) -> None:
        """Put the element before another one."""
        self.document.insert(self.copy_of(order), before=self._sibling(order))

    def insert_after(self, order: Order) -> None:
        """Put the element after another one."""
        self.document.insert(self.copy_of(order), after=self._sibling(order))

    def _sibling(self, order: Order) -> Element:
        found = xpath.select(order.argument, self.parent(order), order.namespaces)
        is_element = found and found[0].nodeType == found[0].ELEMENT_NODE
        if not is_element or found[0] is self.document.root:
            raise order.refused(
                f"{order.transform} finds no element {order.argument} in {self.document.name}"
            )
        sibling: Element = found[0]
        return sibling

    def remove(self, order: Order) -> None:
        """Take the first element out that it means."""
        self._remove(order, 1)

    def remove_all(self, order: Order) -> None:
        """Take every element out that it means."""
        self._remove(order, None)

    def _remove(self, order: Order, most: int | None) -> None:
        found = order.targets(self.document.dom)[:most]
        if not found:
            self.note(order, f"there is nothing to remove in {self.document.name}")
        for one in found:
            if one is self.document.root:
                raise order.refused("the outermost element cannot be removed")
            if one.parentNode is not None:
                self.document.remove(one)

    def set_attributes(self, order: Order) -> None:
        """Give attributes to every element that it means."""
        given = {one.name: one for one in attributes(order.element)}
        given = {key: one for key, one in given.items() if one.namespaceURI != NAMESPACE}
        missing = [one for one in order.words if one not in given]
        if missing or not given:
            told = missing[0] if missing else "any attribute"
            raise order.refused(f"SetAttributes does not find {told} here")
        for target in self.targets(order):
            for name in order.words or given:
                target.setAttributeNS(given[name].namespaceURI, name, given[name].value)

    def remove_attributes(self, order: Order) -> None:
        """Take attributes from every element that it means: those that are named, or all."""
        found = order.targets(self.document.dom)
        if not found:
            self.note(order, f"there is no such element in {self.document.name}")
        for target in found:
            there = [one.name for one in attributes(target)]
            for name in order.words or there:
                if name in there:
                    target.removeAttribute(name)
                else:
                    self.note(order, f"there is no {name} to remove in {self.document.name}")


def _clean(element: Element) -> None:
    """Take out what is for the transform alone."""
    for one in attributes(element):
        if one.namespaceURI == NAMESPACE:
            element.removeAttributeNode(one)
    undeclare(element, NAMESPACE)
    for inner in elements(element):
        _clean(inner)


@dataclass(frozen=True)
class _Transform:
    """What a transform does, and whether it takes an argument."""

    function: Callable[[_Transformation, Order], None]
    takes_argument: bool = False
    needs_argument: bool = False


TRANSFORMS = {
    "Replace": _Transform(_Transformation.replace),
    "Insert": _Transform(_Transformation.insert),
    "InsertBefore": _Transform(_Transformation.insert_before, True, True),
    "InsertAfter": _Transform(_Transformation.insert_after, True, True),
    "InsertIfMissing": _Transform(_Transformation.insert_if_missing),
    "Remove": _Transform(_Transformation.remove),
    "RemoveAll": _Transform(_Transformation.remove_all),
    "RemoveAttributes": _Transform(_Transformation.remove_attributes, True),
    "SetAttributes": _Transform(_Transformation.set_attributes, True),
}
