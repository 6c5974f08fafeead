"""The buffer that makes a junction, byte by byte."""

from __future__ import annotations

import struct

import pytest

from pushguide.host.windows.reparse import buffer_of, target_in

#: What `fsutil reparsepoint query` tells of a junction that `mklink /J` made to this directory: a
#: substitute name of 130 bytes at 0, and a print name of 122 bytes behind its null, at 132.
TARGET = r"C:\Users\me\AppData\Local\Aside\CLI\versions\1.26.906.1630"


def test_it_is_what_the_documentation_says_to_the_last_byte() -> None:
    """[MS-FSCC] 2.1.2.5, written out."""
    expected = (
        b"\x03\x00\x00\xa0"  # ReparseTag: IO_REPARSE_TAG_MOUNT_POINT, 0xA0000003
        b"\x20\x00"  # ReparseDataLength: all that follows Reserved, 32
        b"\x00\x00"  # Reserved
        b"\x00\x00\x0e\x00"  # SubstituteNameOffset 0, SubstituteNameLength 14
        b"\x10\x00\x06\x00"  # PrintNameOffset 16, PrintNameLength 6
        b"\\\0?\0?\0\\\0C\0:\0\\\0\0\0"  # \??\C:\ and a null
        b"C\0:\0\\\0\0\0"  # C:\ and a null
    )
    assert buffer_of("C:\\") == expected


def test_offsets_and_lengths_are_those_of_mklink() -> None:
    data = buffer_of(TARGET)
    start, length, shown_at, shown_length = struct.unpack_from("<HHHH", data, 8)
    # The path that was published has 57 characters, and the numbers there belong to one of 61.
    more = 2 * (61 - len(TARGET))
    assert (start, length + more) == (0, 130)
    assert (shown_at + more, shown_length + more) == (132, 122)
    assert struct.unpack_from("<H", data, 4) == (len(data) - 8,)


@pytest.mark.parametrize(
    ("given", "leads_to"),
    [
        (r"C:\srv\shop\releases\1.0-1", r"C:\srv\shop\releases\1.0-1"),
        ("C:/srv/shop/../shop/./releases/", r"C:\srv\shop\releases"),
        (r"\\?\C:\srv\shop", r"C:\srv\shop"),
        ("C:\\srv\\ÿ\U0001f600", "C:\\srv\\ÿ\U0001f600"),
    ],
)
def test_what_is_written_is_read_back(given: str, leads_to: str) -> None:
    assert target_in(buffer_of(given)) == leads_to
    assert b"/\0" not in buffer_of(given)


def test_the_names_may_lie_the_other_way_round() -> None:
    shown, substitute = (text.encode("utf-16-le") for text in ("C:\\a\0", "\\??\\C:\\a\0"))
    names = struct.pack("<HHHH", len(shown), len(substitute) - 2, 0, len(shown) - 2)
    data = names + shown + substitute
    assert target_in(struct.pack("<IHH", 0xA0000003, len(data), 0) + data) == r"C:\a"


def test_another_kind_of_reparse_point_is_no_junction() -> None:
    symbolic_link = struct.pack("<IHH", 0xA000000C, 0, 0)
    assert target_in(symbolic_link) is None
