"""Settings and connection strings of .NET Framework applications: web.config and the like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pushguide.errors import StepFailed
from pushguide.host.configuration.change import FileChange
from pushguide.host.configuration.tree import Tree
from pushguide.host.configuration.values import Values
from pushguide.host.configuration.xml_document import Document, Element, elements

#: Of each section the attribute that names an entry, and the one that holds its value.
_SECTIONS = {"appSettings": ("key", "value"), "connectionStrings": ("name", "connectionString")}
#: What says that the entries of a section are not where they are looked for.
_ELSEWHERE = ("configSource", "configProtectionProvider")


@dataclass(kw_only=True)
class XmlChange(FileChange):
    """Entries of appSettings and connectionStrings get values."""

    kind: ClassVar[str] = "xml"

    app_settings: Mapping[str, Any] = field(default_factory=dict)
    connection_strings: Mapping[str, str] = field(default_factory=dict)

    def apply(self, tree: Tree, values: Values) -> list[str]:
        """Set the entries; one that is not there is added."""
        name = values.name(self.file)
        document = Document(tree.read(name), name)
        given = {"appSettings": self.app_settings, "connectionStrings": self.connection_strings}
        for section, entries in given.items():
            if entries:
                place = _section(document, section)
                for key, value in entries.items():
                    _set(document, place, _SECTIONS[section], key, _told(values.filled(value)))
        tree.write(name, document.to_bytes(), self.mode)
        return []


def _told(value: Any) -> str:
    """A value as .NET writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _section(document: Document, name: str) -> Element:
    """A section of a file of configuration, which may be the whole file.

    Raises:
        StepFailed: its entries are elsewhere, or encrypted.
    """
    root = document.root
    if root.tagName == name:
        return root
    found = next((one for one in elements(root) if one.tagName == name), None)
    if found is None:
        return document.add(root, name, {})
    for one in _ELSEWHERE:
        if found.hasAttribute(one):
            raise StepFailed(
                f"{name} of {document.name} in the release has {one}: its entries cannot be set "
                "there. Name the file that holds them, as they are before they are encrypted."
            )
    return found


def _set(
    document: Document, section: Element, names: tuple[str, str], key: str, value: str
) -> None:
    """Set every entry of a key, of which .NET takes the last; a key has no upper or lower case."""
    by, holds = names
    added = [one for one in elements(section) if one.localName == "add"]
    found = [one for one in added if one.getAttribute(by).lower() == key.lower()]
    for one in found:
        one.setAttribute(holds, value)
    if not found:
        document.add(section, "add", {by: key, holds: value})
