"""Every page, in both languages and both themes: no complaint, nothing that shuts people out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.console.browsing import Person, Shop

PAGES = {
    "modules": "/",
    "deploy": "/deploy/shop-web/production?version=1.3.0",
    "deployment": "/deployments/{failed}",
    "pending": "/deployments/{pending}",
    "history": "/deployments",
    "compare": "/compare/{earlier}/{failed}",
    "statistics": "/statistics",
    "templates": "/templates",
    "template": "/templates/shop-web",
    "hosts": "/hosts",
    "approvals": "/operations/approvals",
    "freezes": "/operations/freezes",
    "locks": "/operations/locks",
    "audit": "/operations/audit",
}
SERIOUS = ("serious", "critical")


def address(page: str, shop: Shop) -> str:
    """The address of a page, about what there is."""
    return PAGES[page].format(failed=shop.failed, earlier=shop.failed - 1, pending=shop.pending)


def serious(person: Person, axe: str) -> list[str]:
    """What axe finds on the page that shuts people out."""
    # Through the debugger, past the page's Content-Security-Policy: the page itself runs nothing.
    person.page.evaluate(axe)
    found: dict[str, Any] = person.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_every_page(
    person: Callable[..., Person],
    shop: Shop,
    axe: str,
    pictures: Path,
    language: str,
    theme: str,
) -> None:
    olga = person("olga", locale=language, color_scheme=theme)
    olga.page.goto(olga.console.url)
    olga.page.locator("#username").wait_for()
    problems = {"sign-in": serious(olga, axe)}
    olga.page.screenshot(path=pictures / f"sign-in-{language}-{theme}.png")
    olga.sign_in()
    olga.page.locator("nav.nav").wait_for()
    for page in PAGES:
        olga.go(address(page, shop))
        olga.page.locator("h1").wait_for()
        problems[page] = serious(olga, axe)
        olga.page.screenshot(path=pictures / f"{page}-{language}-{theme}.png", full_page=True)
        words = olga.page.locator("main").inner_text()
        assert "undefined" not in words, page
        assert "NaN" not in words, page
    assert not any(problems.values()), {key: one for key, one in problems.items() if one}


def test_on_a_phone(person: Callable[..., Person], shop: Shop, pictures: Path) -> None:
    olga = person("olga", viewport={"width": 375, "height": 740}, is_mobile=True, has_touch=True)
    olga.enter()
    for page in PAGES:
        olga.go(address(page, shop))
        olga.page.screenshot(path=pictures / f"{page}-phone.png")
        wide = olga.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{page} is {wide} px too wide for a phone"


def test_the_language_is_switched_at_once(person: Callable[..., Person], shop: Shop) -> None:
    olga = person("olga").enter()
    olga.press("中文")
    olga.page.get_by_role("heading", name="模块").wait_for()
    assert olga.page.evaluate("document.documentElement.lang") == "zh-CN"
    olga.page.reload()
    olga.page.get_by_role("heading", name="模块").wait_for()
    olga.press("English")
    olga.page.get_by_role("heading", name="Modules").wait_for()


def test_the_help_of_a_form_is_in_both_languages(person: Callable[..., Person], shop: Shop) -> None:
    olga = person("olga").enter("/templates/shop-web")
    olga.page.get_by_text("The settings of the project type.").first.wait_for()
    olga.press("中文")
    olga.page.get_by_text("项目类型的设置。").first.wait_for()
    assert not olga.page.get_by_text("The settings of the project type.").count()
