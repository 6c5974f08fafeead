"""Transforms of XML documents: the table of cases, and what stays as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from pushguide.errors import StepFailed
from pushguide.host.configuration import xdt, xpath
from pushguide.host.configuration.xdt_order import LOCATORS, NAMESPACE
from pushguide.host.configuration.xml_document import Document

CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("xdt_cases.yaml").read_text(encoding="utf-8")
)
DECLARED = f'xmlns:xdt="{NAMESPACE}"'


def document(text: str, name: str = "web.config") -> Document:
    return Document(text.encode(), name)


def plain(text: str) -> str:
    return ElementTree.canonicalize(text, strip_text=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_table_of_cases(case: dict[str, Any]) -> None:
    changed = document(f"<configuration>{case['document']}</configuration>")
    root = f"configuration {DECLARED} {case.get('root', '')}"
    orders = document(f"<{root}>{case['transform']}</configuration>", "web.Release.config")
    if "refused" in case:
        with pytest.raises(StepFailed) as caught:
            xdt.transform(changed, orders)
        assert case["refused"] in str(caught.value)
        return
    noted = xdt.transform(changed, orders)
    wanted = case.get("wanted_root") or f"<configuration>{case['wanted']}</configuration>"
    assert plain(changed.to_bytes().decode()) == plain(wanted)
    assert len(noted) == ("noted" in case), noted
    assert case.get("noted", "") in "".join(noted)
    assert b"xdt" not in changed.to_bytes()


def test_every_transform_and_locator_has_a_case_that_succeeds() -> None:
    shown = "".join(one["transform"] for one in CASES if "refused" not in one)
    for name in xdt.TRANSFORMS:
        assert f'Transform="{name}' in shown.replace("=\n", "=").replace("= ", "="), name
    for name in LOCATORS:
        assert f'Locator="{name}(' in shown, name


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/r/a", ["1", "2"]),
        ("//c", ["3"]),
        ("//*[@n]", ["1", "2", "3"]),
        ("/r/a[2]", ["2"]),
        ("/r/a[last()]", ["2"]),
        ("/r/a[position() = 1]", ["1"]),
        ("/r/a[@n != '1']", ["2"]),
        ("/r/a[@n = 2]", ["2"]),
        ("/r/a[b/c]", ["2"]),
        ("/r/a[b = 'text']", ["1"]),
        ("/r/a[b/text() = 'text']", ["1"]),
        ("/r/a[. = 'text']", ["1"]),
        ("/r/*[local-name() = 'a'][name() = 'a']", ["1", "2"]),
        ("//c/../..", ["2"]),
        ("/r/a[(@n = '1' or @n = '2') and not(@m)]", ["1"]),
        ("/r/a[@*[. = 'y']]", ["2"]),
        ('/r/a[contains(@m, "y")]', ["2"]),
        ("/r/d", []),
    ],
)
def test_the_xpath_that_is_understood(path: str, found: list[str]) -> None:
    dom = document('<r><a n="1"><b>text</b></a><a n="2" m="y"><b><c n="3"/></b></a></r>').dom
    assert [one.getAttribute("n") for one in xpath.select(path, dom, {})] == found


AS_WRITTEN = (
    '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n'
    "<!-- For all of them -->\r\n"
    "<configuration>\r\n"
    "  <!-- the shop's -->\r\n"
    "  <appSettings>\r\n"
    '    <add key="a" value="1&#10;&quot;2&quot; &amp; é" />\r\n'
    "  </appSettings>\r\n"
    "\t<empty />\r\n"
    '  <a:b xmlns:a="urn:a" a:c="1"><![CDATA[<&>]]><?run it?>&lt;&amp;</a:b>\r\n'
    "</configuration>\r\n"
)


def test_what_is_not_changed_stays_as_it_was_written() -> None:
    for text in (AS_WRITTEN, AS_WRITTEN.replace("\r\n", "\n"), AS_WRITTEN.rstrip()):
        assert document(text).to_bytes().decode() == text


def test_what_is_put_in_is_indented_like_its_neighbours() -> None:
    changed = document(AS_WRITTEN)
    orders = (
        f'<configuration {DECLARED}><appSettings><add key="b" xdt:Transform="Insert" />'
        '<add key="c" xdt:Transform="InsertBefore(add)" /></appSettings>'
        '<empty><x xdt:Transform="Insert" /></empty></configuration>'
    )
    assert xdt.transform(changed, document(orders)) == []
    before, _, after = AS_WRITTEN.partition('    <add key="a"')
    entry, _, rest = after.partition("\r\n")
    rest = rest.replace("<empty />", "<empty>\r\n\t  <x />\r\n\t</empty>")
    wanted = f'    <add key="c" />\r\n    <add key="a"{entry}\r\n    <add key="b" />\r\n'
    assert changed.to_bytes().decode() == before + wanted + rest


def test_a_line_goes_with_what_is_removed() -> None:
    changed = document(AS_WRITTEN)
    orders = f'<configuration {DECLARED}><appSettings xdt:Transform="Remove" /></configuration>'
    assert xdt.transform(changed, document(orders)) == []
    start, end = AS_WRITTEN.index("  <appSettings>"), AS_WRITTEN.index("\t<empty />")
    assert changed.to_bytes().decode() == AS_WRITTEN[:start] + AS_WRITTEN[end:]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "Windows-1252", "utf-16", "us-ascii", "utf-8"])
def test_encodings_stay(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<r a="&#233;" />\n'
    content = text.encode(encoding)
    written = Document(content, "x").to_bytes()
    assert written.decode(encoding).replace("é", "&#233;") == text
    assert written[:2] == content[:2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'<!DOCTYPE r [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><r>&c;</r>', "DOCTYPE"),
        (b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "DOCTYPE"),
        (b"<r>", "not well-formed XML"),
        (b"<a:r/>", "not well-formed XML"),
        (b"", "not well-formed XML"),
        (b'<?xml version="1.0" encoding="ebcdic"?><r/>', "not in the encoding ebcdic"),
        (b'<?xml version="1.0" encoding="rot13"?><r/>', "not in the encoding rot13"),
        (b"<r>\xff</r>", "not in the encoding utf-8"),
    ],
)
def test_what_is_no_xml_of_ours_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(StepFailed, match=said):
        Document(content, "web.config")


def test_a_transform_without_the_namespace_is_none() -> None:
    orders = '<configuration xmlns:xdt="https://schemas.microsoft.com/XML-Document-Transform" />'
    with pytest.raises(StepFailed, match="is no transform"):
        xdt.transform(document("<configuration />"), document(orders))
