"""Text files as programs on every platform write them: marks, encodings and ends of lines."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from pushguide.errors import StepFailed

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ENCODINGS = ("utf-8", "ascii", "iso8859-1", "cp1252", "utf-16-le", "utf-16-be")


class Text(NamedTuple):
    """A text with what its file had beside it.

    Attributes:
        text: the text; its lines end with a line feed.
        encoding: as what it is written.
        mark: the byte order mark before it.
        line_end: as what a line feed is written.
    """

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    line_end: str = "\n"

    def to_bytes(self, errors: str = "strict") -> bytes:
        """The text as it is written."""
        told = self.text.replace("\n", self.line_end)
        return self.mark + told.encode(self.encoding, errors)


def decoded(content: bytes, name: str, encoding: str = "utf-8") -> Text:
    """Read a text.

    Args:
        content: the content of the file.
        name: its name, for messages.
        encoding: how it is encoded, if it has no mark.

    Raises:
        StepFailed: it is in no encoding that is known here.
    """
    mark, found = next((one for one in _MARKS if content.startswith(one[0])), (b"", encoding))
    try:
        normal = codecs.lookup(found).name
        if normal not in _ENCODINGS:
            raise LookupError
        text = content[len(mark) :].decode(normal)
    except (LookupError, UnicodeDecodeError):
        raise StepFailed(
            f"{name} in the release is not in the encoding {found}, or that is none of UTF-8, "
            "UTF-16 with a mark, ISO 8859-1 and Windows-1252: write it as UTF-8."
        ) from None
    line_end = "\r\n" if "\r\n" in text else "\n"
    return Text(text.replace("\r\n", "\n"), normal, mark, line_end)
