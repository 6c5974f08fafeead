"""Deciding: what would go where, and everything that speaks against it. Nothing is written here.

Every entry is inspected, alone and among the others: where it would go, what it is called on
file systems that ignore case, where its links lead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pushguide.host.archive.entries import Entry, Kind, Limits
from pushguide.host.archive.names import (
    folded,
    host_problems,
    parts_of,
    shown,
    spelling_problems,
    target_problems,
)

MOST_HOPS = 40  # from one symbolic link to the next, as Linux has it


class Node:
    """A place below the destination, with or without an entry of its own."""

    __slots__ = ("children", "entry", "leads_to", "name", "parent")

    def __init__(self, name: str, parent: Node | None) -> None:
        self.name = name
        self.parent = parent
        self.children: dict[str, Node] = {}
        self.entry: Entry | None = None
        self.leads_to: Node | str | None = None  # what follow() found

    @property
    def kind(self) -> Kind:
        """What is here; a directory where the archive only implies one."""
        return self.entry.kind if self.entry else Kind.DIRECTORY

    @property
    def path(self) -> str:
        """The path below the destination."""
        names: list[str] = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            names.append(node.name)
            node = node.parent
        return "/".join(reversed(names))

    def follow(self, hops: int = 0) -> Node | str:
        """Where a symbolic link leads to, through others of the archive; or why it may not."""
        if self.leads_to is None:
            self.leads_to = self._walk(hops)
        return self.leads_to

    def _walk(self, hops: int) -> Node | str:
        if hops > MOST_HOPS:
            return f"goes round in a loop, or through more than {MOST_HOPS} links"
        assert self.entry and self.parent
        node = self.parent
        for part in parts_of(self.entry.target, "/"):
            if part == "..":
                if node.parent is None:
                    return "leaves the destination"
                if node.entry is None and not node.children:
                    return "goes up again from what is not in the archive"
                node = node.parent
                continue
            node = node.children.get(folded(part)) or Node(part, node)
            if node.kind is Kind.SYMLINK:
                end = node.follow(hops + 1)
                if isinstance(end, str):
                    return end
                node = end
        return node


class Plan:
    """What an archive would put where, and everything that speaks against it."""

    def __init__(self, limits: Limits, packed_bytes: int = 0) -> None:
        self.limits = limits
        self.packed_bytes = packed_bytes
        self.problems: list[str] = []
        self.root = Node("", None)
        self.hard_links: list[tuple[Entry, Entry]] = []  # each with the file that it names
        self.symlinks: list[tuple[Entry, bool]] = []  # each with whether it is to a directory
        self._links: list[tuple[Entry, Node]] = []
        self.directory_entries: list[Entry] = []
        self._count = 0
        self._places = 0
        self._bytes = 0

    def inspect(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Take in all entries; none may be left out, links are followed once all are known.

        Yields:
            Each file that may be written, as long as nothing speaks against the archive.
        """
        for entry in entries:
            self._count += 1
            self._bytes += entry.size
            is_file = self._take(entry)
            if self._is_beyond_limits():
                return
            if is_file and not self.problems:
                yield entry
        if not self._count:
            self.problems.append("it holds nothing")
        for entry, node in self._links:
            self._take_link(entry, node)
        self._is_beyond_limits()

    def directories(self) -> Iterator[tuple[str, ...]]:
        """Every directory, those the archive only implies too; each after its parent."""
        waiting: list[tuple[Node, tuple[str, ...]]] = [(self.root, ())]
        while waiting:
            node, parts = waiting.pop()
            for child in node.children.values():
                if child.kind is Kind.DIRECTORY:
                    waiting.append((child, (*parts, child.name)))
                    yield (*parts, child.name)

    def _is_beyond_limits(self) -> bool:
        limits, reason = self.limits, ""
        allowed = max(limits.free_bytes, limits.ratio * self.packed_bytes)
        # A directory that is only implied costs as much as an entry.
        if self._count > limits.entries or self._places > 2 * limits.entries:
            reason = f"it holds more than {limits.entries} entries"
        elif self._bytes > limits.unpacked_bytes:
            reason = f"it unpacks to more than {limits.unpacked_bytes} bytes"
        elif self.packed_bytes and self._bytes > allowed:
            reason = f"it unpacks to more than {limits.ratio:g} times its {self.packed_bytes} bytes"
        if reason:
            self.problems.append(f"{reason}, which is the limit; the rest was not looked at")
        return bool(reason)

    def _take(self, entry: Entry) -> bool:
        """Take in an entry; whether it is a file that can be where it says."""
        found = [f"{shown(entry.name)} {why}" for why in _problems_of(entry, self.limits.depth)]
        self.problems += found
        if found or not entry.parts:
            return False
        node = self._settle(entry)
        if node is None:
            return False
        if entry.kind is Kind.FILE:
            return True
        if entry.kind is Kind.DIRECTORY:
            self.directory_entries.append(entry)
        else:
            self._links.append((entry, node))
        return False

    def _settle(self, entry: Entry) -> Node | None:
        """Put the entry in its place; None, and a problem noted, where it cannot be."""
        node = self.root
        for part in entry.parts:
            if node.kind is not Kind.DIRECTORY:
                self._refuse(entry, f"lies below {shown(node.path)}, {node.kind.value}")
                return None
            child = node.children.get(folded(part))
            if child is None:
                child = node.children[folded(part)] = Node(part, node)
                self._places += 1
            elif child.name != part:
                self._refuse(entry, f"differs from {shown(child.path)} only in case or accents")
                return None
            node = child
        if node.entry is None and not (node.children and entry.kind is not Kind.DIRECTORY):
            node.entry = entry
        elif node.kind is not entry.kind:
            self._refuse(entry, f"is there as {entry.kind.value} and as {node.kind.value}")
        elif entry.kind is not Kind.DIRECTORY:
            self._refuse(entry, "is there twice")
        return node if node.entry is entry else None

    def _refuse(self, entry: Entry, why: str) -> None:
        self.problems.append(f"{shown(entry.name)} {why}")

    def _take_link(self, entry: Entry, node: Node) -> None:
        if entry.kind is Kind.HARD_LINK:
            self._take_hard_link(entry)
            return
        end = node.follow()
        if isinstance(end, str):
            self._refuse(entry, f"is a symbolic link to {shown(entry.target)}, which {end}")
        else:
            self.symlinks.append((entry, end.kind is Kind.DIRECTORY))

    def _take_hard_link(self, entry: Entry) -> None:
        file: Entry | None = entry
        for _ in range(MOST_HOPS):
            if file is None or file.kind is not Kind.HARD_LINK:
                break
            file = self._at(file.target)
        if file is None or file.kind is not Kind.FILE:
            why = f"is a hard link to {shown(entry.target)}, which is not a file of the archive"
            self._refuse(entry, why)
            return
        self.hard_links.append((entry, file))
        self._bytes += file.size  # it may have to be written as a copy

    def _at(self, name: str) -> Entry | None:
        if name.startswith("/"):
            return None
        node: Node | None = self.root
        for part in parts_of(name, "/"):
            node = node.children.get(folded(part)) if node else None
        return node.entry if node else None


def _problems_of(entry: Entry, depth: int) -> Iterator[str]:
    """What is wrong with an entry, looked at alone."""
    if len(entry.parts) > depth:
        yield f"lies more than {depth} directories deep"
    is_root = entry.kind is Kind.DIRECTORY and entry.name != ""
    if not entry.parts and not is_root:
        yield "has an empty name"
    yield from spelling_problems(entry.name)
    yield from host_problems(entry.parts)
    if ".." in re.split(r"[/\\]", entry.name):
        yield "goes up with '..'"
    if entry.kind is Kind.OTHER:
        yield "is a device, a pipe, a socket or another thing that is no file"
    if entry.complaint:
        yield entry.complaint
    elif entry.kind is Kind.SYMLINK:
        yield from (f"its target {why}" for why in target_problems(entry.target))
