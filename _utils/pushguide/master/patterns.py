"""Patterns of paths: how a template says where the artifacts of a module lie."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pushguide.master import versions

_PIECE = re.compile(r"\{(\w+)\}|(\*)|([A-Za-z0-9._+@ ~/-]+)")
_NAMES = ("module", "version")
#: Files that lie beside an artifact and are none.
SIDE_FILES = (".sha256", ".sha512", ".sha1", ".md5", ".asc", ".sig")


class Pattern:
    """A path below a repository, such as ``shop/{version}/*.war``.

    ``*`` stands for any characters of one name, ``{version}`` for the version label, and
    ``{module}`` for the module's name.

    Args:
        text: the pattern.

    Raises:
        ValueError: it holds something else, or leads out of the repository.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.pieces = [*_PIECE.finditer(text)]
        if "".join(one[0] for one in self.pieces) != text or not text:
            raise ValueError(
                "give letters, digits, '.', '_', '+', '@', '~', '-', spaces, '/', '*', {version} "
                "and {module}"
            )
        if {".", "..", ""} & {*text.split("/")}:
            raise ValueError("give a path below the repository, without '.', '..' and empty names")
        unknown = {one[1] for one in self.pieces if one[1]} - {*_NAMES}
        if unknown:
            raise ValueError(f"there is no {{{min(unknown)}}}: give {{version}} and {{module}}")

    @property
    def has_version(self) -> bool:
        """Whether it says where the version stands."""
        return any(one[1] == "version" for one in self.pieces)

    def glob(self, module: str) -> str:
        """The pattern with ``*`` in the place of the version."""
        return self._filled({"module": module, "version": "*"})

    def version_of(self, path: str, module: str) -> str | None:
        """The version that a path is of; None if the path does not match, or has no label there."""
        found = self._expression(module).fullmatch(path)
        label = found["version"] if found else None
        return label if versions.is_label(label) else None

    def matches(self, path: str, module: str, version: str) -> bool:
        """Whether this is the path of a version. Without '/', only its last name is looked at."""
        name = path if "/" in self.text else path.rpartition("/")[2]
        filled = self._filled({"module": module, "version": version})
        return re.fullmatch("[^/]*".join(map(re.escape, filled.split("*"))), name) is not None

    def _filled(self, values: Mapping[str, str]) -> str:
        return "".join(values[one[1]] if one[1] else one[0] for one in self.pieces)

    def _expression(self, module: str) -> re.Pattern[str]:
        parts, seen = [], False
        for one in self.pieces:
            if one[1] == "version":
                parts.append("(?P=version)" if seen else r"(?P<version>[^/]+?)")
                seen = True
            else:
                text = module if one[1] else one[0]
                parts.append("[^/]*" if one[2] else re.escape(text))
        return re.compile("".join(parts))


def is_side_file(path: str) -> bool:
    """Whether this is a checksum or a signature, and no artifact."""
    return path.endswith(SIDE_FILES)


def main_of(path: str) -> str:
    """The path that a checksum or a signature belongs to; the path itself if it is neither."""
    found = next((one for one in SIDE_FILES if path.endswith(one)), "")
    return path[: len(path) - len(found)]
