"""Paths of Windows, told on any platform."""

from __future__ import annotations

import os

import pytest

from pushguide.host.windows import paths

PAIRS = [
    (r"C:\srv\shop", r"\\?\C:\srv\shop"),
    (r"\\files\share\shop", r"\\?\UNC\files\share\shop"),
]


@pytest.mark.parametrize(("plain", "extended"), PAIRS)
def test_the_prefix_there_and_back(plain: str, extended: str) -> None:
    assert paths.with_prefix(plain) == extended
    assert paths.with_prefix(extended) == extended
    assert paths.plain(extended) == paths.plain(plain) == plain


@pytest.mark.skipif(os.name == "nt", reason="it is about another platform")
def test_elsewhere_paths_are_left_alone() -> None:
    assert paths.extended("/srv/shop/") == "/srv/shop/"
    assert paths.as_this_host_has_it("/srv/shop/") == "/srv/shop/"
    assert paths.is_same("/srv/shop/", "/srv//shop")
    assert not paths.is_same("/srv/shop", "/srv/Shop")


@pytest.mark.skipif(os.name != "nt", reason="it is about Windows")
@pytest.mark.parametrize(
    "other", [r"c:\SRV\Shop", "C:/srv/shop/", r"\\?\C:\srv\shop", r"C:\srv\.\x\..\shop"]
)
def test_what_windows_takes_for_the_same(other: str) -> None:
    assert paths.is_same(r"C:\srv\shop", other)
    assert not paths.is_same(r"C:\srv\shop2", other)


@pytest.mark.skipif(os.name != "nt", reason="it is about Windows")
def test_what_windows_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert paths.extended("C:/srv/./shop/../shop/") == r"\\?\C:\srv\shop"
    monkeypatch.chdir("C:\\")
    assert paths.extended(r"srv\shop") == r"\\?\C:\srv\shop"
    assert paths.as_this_host_has_it("C:/srv/shop/") == r"C:\srv\shop"
