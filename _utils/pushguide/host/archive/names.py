"""Names and the targets of links: how they are spelled, and what this host cannot store.

Every function here looks at text alone; where things lead to is the tree's to say.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator

WINDOWS = os.name == "nt"

MOST_PATH_LENGTH = 4096  # of a name, and of the target of a link

_RESERVED = r"(?is)(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *(\..*)?"


def shown(name: str) -> str:
    """A name as messages show it: quoted, and not too long."""
    text = repr(name)
    return text if len(text) <= 120 else f"{text[:80]}...{text[-36:]}"


def parts_of(name: str, separator: str) -> tuple[str, ...]:
    """The parts of a name, without those that lead nowhere."""
    return tuple(part for part in re.split(separator, name) if part not in ("", "."))


def host_parts_of(name: str) -> tuple[str, ...]:
    """The parts of a name, split as this host would split it."""
    return parts_of(name, r"[/\\]" if WINDOWS else "/")


def folded(part: str) -> str:
    """The same for all names that some file system takes for one."""
    if part.isascii():
        return part.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", part).casefold())


def spelling_problems(name: str) -> Iterator[str]:
    """What is wrong with a name or a link's target, wherever it leads."""
    if name[:1] in ("/", "\\"):
        yield "is an absolute path"
    if re.match("[A-Za-z]:", name):
        yield "begins with a drive letter"
    if re.search(r"[\x00-\x1f\x7f-\x9f]", name):
        yield "has control characters"
    if re.search("[\ud800-\udfff]", name):
        yield "is not UTF-8"


def host_problems(parts: Iterable[str]) -> Iterator[str]:
    """What this host cannot store, in the parts of a name or of a link's target."""
    pieces = [part for part in parts if part not in ("", ".", "..")]
    try:
        # Windows counts UTF-16 units.
        lengths = [
            len(p.encode("utf-16-le")) // 2 if WINDOWS else len(os.fsencode(p)) for p in pieces
        ]
    except UnicodeEncodeError:
        yield "cannot be spelled in this host's encoding"
        return
    if max(lengths, default=0) > 255 or sum(lengths) + len(lengths) > MOST_PATH_LENGTH:
        yield "is too long"
    if WINDOWS:
        yield from _windows_problems(pieces)


def target_problems(target: str) -> Iterator[str]:
    """What is wrong with the target of a symbolic link, wherever it leads."""
    if not target:
        yield "is empty"
    if "\\" in target:
        yield "has backslashes"
    for why in (*spelling_problems(target), *host_problems(target.split("/"))):
        yield f"{shown(target)} {why}"


def _windows_problems(pieces: list[str]) -> Iterator[str]:
    if any(re.fullmatch(_RESERVED, piece) for piece in pieces):
        yield "uses a name that Windows reserves"
    if any(piece.endswith((".", " ")) for piece in pieces):
        yield "has a part that ends in a dot or a space"
    if any(set(piece) & set('<>:"|?*') for piece in pieces):
        yield "has characters that Windows forbids"
