"""What people come for: from the sign-in to the end of a deployment, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console.browsing import Person, Shop
from tests.support.waiting import wait_until

People = Callable[..., Person]


def test_sign_in(person: People, shop: Shop) -> None:
    olga = person("olga")
    olga.expects_trouble = True  # Chromium tells of the 401
    olga.page.goto(olga.console.url)
    olga.sign_in(password="wrong")
    olga.page.get_by_role("alert").get_by_text("does not know this name").wait_for()
    assert olga.page.input_value("#username") == "olga"
    olga.expects_trouble = False
    olga.sign_in()
    olga.page.get_by_role("heading", name="Modules").wait_for()
    olga.page.get_by_text("shop-web").first.wait_for()
    olga.press("Sign out")
    olga.page.get_by_role("heading", name="Sign in").wait_for()


def test_who_has_no_role_sees_nothing_and_is_told_why(person: People, shop: Shop) -> None:
    nobody = person("nobody")
    nobody.page.goto(nobody.console.url)
    nobody.sign_in()
    nobody.page.get_by_text("has not the role viewer").first.wait_for()
    assert not nobody.page.get_by_text("shop-web").count()


def test_a_viewer_sees_and_presses_nothing(person: People, shop: Shop) -> None:
    vera = person("vera").enter()
    vera.page.get_by_text("shop-web").first.wait_for()
    assert not vera.page.get_by_role("link", name="Deploy shop-web").count()
    vera.go(f"/deployments/{shop.failed}")
    vera.state("rolled back")
    for name in ("Retry the rest", "Roll back"):
        assert not vera.page.get_by_role("button", name=name).count()


def test_deploy_to_success(person: People, shop: Shop) -> None:
    module = shop.module("journey", hosts=["c1", "c2"], probe=True)
    module.publish("1.0.0", "1.1.0")
    module.deploy("1.0.0")
    dan = person("dan").enter()
    card = dan.page.locator("li.module").filter(has=dan.page.get_by_role("heading", name="journey"))
    card.get_by_role("link", name="Deploy journey production").click()
    dan.settle()
    dan.page.locator("label.version").filter(has_text="1.1.0").click()
    dan.page.get_by_text("1.0.0 →").wait_for()
    dan.settle()
    dan.page.get_by_role("button", name="Deploy 1.1.0 to production").click()
    dialog = dan.page.get_by_role("dialog")
    dialog.get_by_text("It goes to 2 hosts").wait_for()
    # Both hosts at once: the module's name is asked for.
    go = dialog.get_by_role("button", name="Deploy 1.1.0 to production")
    assert go.is_disabled()
    dialog.get_by_label("Type journey to go on").fill("journey")
    go.click()
    dan.state("succeeded")
    dan.page.locator("[data-stage=post_release][data-outcome=succeeded]").wait_for()
    assert module.live("c1") == "version 1.1.0"
    # Who reloads, and who comes by the same address, sees the same.
    address = dan.page.url
    dan.page.reload()
    dan.state("succeeded")
    other = person("vera")
    other.page.goto(address)
    other.sign_in()
    other.state("succeeded")


def test_one_that_fails_goes_back_and_shows_where(person: People, shop: Shop) -> None:
    module = shop.module("failing", hosts=["c1"], probe=True)
    module.publish("1.0.0")
    module.publish_one("1.1.0", {"health": "ill\n"})
    module.deploy("1.0.0")
    dan = person("dan").enter("/deploy/failing/production?version=1.1.0")
    dan.go_ahead("Deploy 1.1.0 to production", "failing")
    dan.state("rolled back")
    dan.page.locator("[data-stage=post_release][data-outcome=failed]").wait_for()
    # The host that failed is open already, with its step and the whole error.
    host = dan.page.locator("li[data-host=c1]")
    host.get_by_text("probe", exact=True).wait_for()
    assert "does not hold 'version 1.1.0'" in host.inner_text()
    assert module.live("c1") == "version 1.0.0"
    dan.go("/deploy/failing/production")
    bad = dan.page.locator("label.version").filter(has_text="1.1.0")
    assert "bad" in bad.inner_text()
    bad.click()
    dan.page.get_by_role("alert").get_by_text("marked bad").wait_for()


def test_rollback_by_choice(person: People, shop: Shop) -> None:
    module = shop.module("going-back", hosts=["c1"])
    module.publish("1.0.0", "1.1.0", "1.2.0")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        number = module.deploy(version).data["deployment"]
    dan = person("dan").enter(f"/deployments/{number}")
    dan.press("Roll back")
    dialog = dan.page.get_by_role("dialog")
    dialog.get_by_label("To which version").select_option("1.0.0")
    dialog.get_by_label("Type going-back to go on").fill("going-back")
    dialog.get_by_role("button", name="Roll back").click()
    dan.page.wait_for_url(f"**/deployments/{number + 1}**")
    dan.state("succeeded")
    assert module.live("c1") == "version 1.0.0"


def test_a_canary_is_confirmed(person: People, shop: Shop) -> None:
    module, number = shop.paused("canary", ["c1", "c2", "c3"])
    dan = person("dan").enter(f"/deployments/{number}")
    dan.state("paused")
    assert module.lives()["c2"] is None
    dan.press("Confirm")
    dialog = dan.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("orders come in")
    dialog.get_by_role("button", name="Confirm").click()
    dan.state("succeeded")
    assert module.lives()["c3"] == "version 1.0.0"
    dan.page.get_by_text("orders come in").wait_for()
    # What goes on in the background asks for nothing itself.
    asked = shop.lab.show(number)["requests"]
    assert [(one["what"], one["requested_by"]) for one in asked] == [("confirm", "dan")]


def test_an_approval(person: People, shop: Shop) -> None:
    module = shop.module("approved", hosts=["c1"], approval={"needed": True})
    module.publish("1.0.0")
    dan = person("dan").enter("/deploy/approved/production?version=1.0.0")
    dan.go_ahead("Deploy 1.0.0 to production", "approved")
    dan.state("waits for approval")
    # Nobody approves their own: pushguide says so, and the window stays.
    dan.press("Approve")
    dialog = dan.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Approve").click()
    dialog.get_by_role("alert").get_by_text("somebody else").wait_for()
    olga = person("olga").enter("/operations/approvals")
    row = olga.page.get_by_role("row").filter(has_text="approved")
    row.get_by_role("link", name="Look and decide").click()
    olga.settle()
    olga.press("Approve")
    olga.page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    olga.state("succeeded")
    # The other one sees it without having asked.
    dialog.get_by_role("button", name="Cancel").click()
    dan.state("succeeded")


def test_a_template_is_made(person: People, shop: Shop) -> None:
    olga = person("olga").enter("/templates")
    olga.page.get_by_role("link", name="New template").click()
    olga.page.get_by_label("Module").fill("made-here")
    olga.page.get_by_label("Project type").select_option("static_site")
    page = olga.page
    top = shop.lab.top
    page.locator("[data-path=root] > input").fill("/etc/made-here")
    page.locator("[data-path=root] > input").blur()
    # What is missing, and what is not allowed, is told while one types.
    page.get_by_text("has problems").wait_for()
    page.get_by_role("button", name="Set source").click()
    page.locator("[data-path='source:directory'] > input").fill(str(shop.lab.artifacts))
    page.locator("[data-path='source:url'] > input").fill("salt://artifacts")
    page.get_by_role("button", name="Set environments").click()
    page.get_by_label("Name of a new entry of environments").fill("production")
    page.get_by_role("button", name="Add environments").click()
    page.locator("[data-path='environments:production:hosts'] > input").fill("c*")
    page.locator("[data-path='environments:production:hosts'] > input").blur()
    page.get_by_role("alert").get_by_text("'/etc/made-here' is not allowed").first.wait_for()
    page.locator("[data-path=root] > input").fill(f"{top}/hosts/{{id}}/made-here")
    page.locator("[data-path=root] > input").blur()
    page.get_by_text("is right").wait_for()
    olga.press("Save")
    dialog = page.get_by_role("dialog")
    dialog.locator(".added").get_by_text("made-here").first.wait_for()
    dialog.get_by_label("Reason").fill("a new site")
    dialog.get_by_role("button", name="Save").click()
    page.wait_for_url("**/templates/made-here")
    olga.settle()
    # Somebody changes it as YAML, and goes back to the first revision.
    page.get_by_role("tab", name="YAML").click()
    text = page.locator("#yaml").input_value()
    page.locator("#yaml").fill(
        text.replace("type: static_site", "type: static_site\n      keep_releases: 7")
    )
    page.get_by_text("is right").wait_for()
    olga.press("Save")
    dialog.locator(".added").get_by_text("keep_releases: 7").wait_for()
    dialog.get_by_label("Reason").fill("more of them")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("revision 2").first.wait_for()
    page.get_by_role("tab", name="Revisions").click()
    page.get_by_role("button", name="Look 1").click()
    dialog.get_by_label("Reason").fill("too many")
    dialog.get_by_role("button", name="Restore").click()
    page.get_by_text("revision 3").first.wait_for()
    assert shop.lab.api
    shown = shop.lab.api.call("runner", "pushguide.template_show", module="made-here")
    assert "keep_releases" not in shown["template"]
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_label("Reason").fill("done")
    dialog.get_by_label("Type made-here to go on").fill("made-here")
    dialog.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/templates")


def test_statistics_and_their_export(person: People, shop: Shop, tmp_path: Path) -> None:
    olga = person("olga").enter("/statistics")
    page = olga.page
    page.get_by_label("Module").select_option("shop-web")
    page.locator("figure svg, figure canvas").nth(2).wait_for()
    page.locator("dl.figures dd").first.filter(has_text=re.compile("^3$")).wait_for()
    with page.expect_download() as csv:
        page.get_by_role("button", name="CSV").click()
    csv.value.save_as(tmp_path / "a.csv")
    head, *rows = (tmp_path / "a.csv").read_text().splitlines()
    assert head.startswith("period,count,succeeded,failed")
    assert sum(int(row.split(",")[1]) for row in rows) == 3
    with page.expect_download() as report:
        page.get_by_role("button", name="Report").click()
    report.value.save_as(tmp_path / "a.html")
    assert "shop-web" in (tmp_path / "a.html").read_text()


def test_history_and_what_differs(person: People, shop: Shop) -> None:
    olga = person("olga").enter("/deployments?module=shop-web")
    page = olga.page
    page.get_by_label("State").select_option("rolled_back")
    page.locator("tbody tr").filter(has_text=f"#{shop.failed}").wait_for()
    page.locator("tbody tr").nth(1).wait_for(state="detached")
    assert "state=rolled_back" in page.url
    page.get_by_label("State").select_option("")
    page.locator("tbody tr").nth(2).wait_for()
    for number in (shop.failed, shop.failed - 1):
        page.get_by_label(f"Pick #{number} to compare").check()
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("heading", name=f"#{shop.failed - 1} and #{shop.failed}").wait_for()
    olga.settle()
    text = page.locator("main").inner_text()
    assert "version" in text
    assert "restored" in text


def test_hosts_answer(person: People, shop: Shop) -> None:
    olga = person("olga").enter("/hosts")
    olga.page.get_by_label("Module").select_option("shop-web")
    olga.press("Ask the hosts now")
    olga.page.get_by_text("answers").nth(3).wait_for()
    # Somebody changes what runs there, past pushguide.
    journal = shop.lab.journals("c4") / "shop-web" / "production"
    assert not journal.exists()
    path = shop.lab.journals("c1") / "shop-web" / "production" / "journal.json"
    before = path.read_text()
    data = json.loads(before)
    data["live"] = None
    path.write_text(json.dumps(data))
    try:
        olga.press("Ask the hosts now")
        olga.page.get_by_text("runs \N{EN DASH}").wait_for()
    finally:
        path.write_text(before)


def test_a_host_in_quarantine_is_left_out(person: People, shop: Shop) -> None:
    module = shop.module("ward", hosts=["c1", "c2"])
    module.publish("1.0.0")
    olga = person("olga").enter("/hosts")
    olga.page.get_by_label("Module").select_option(module.name)
    olga.press("Quarantine c2")
    dialog = olga.page.get_by_role("dialog")
    dialog.get_by_label("For the deployments of").select_option(module.name)
    dialog.get_by_label("Reason").fill("its disk fails")
    dialog.get_by_role("button", name="Quarantine").click()
    olga.page.get_by_text(f"in quarantine for {module.name}").wait_for()
    olga.page.get_by_text("its disk fails").wait_for()

    olga.go(f"/deploy/{module.name}/production?version=1.0.0")
    olga.page.get_by_text("c2 is in quarantine and keeps what it runs: its disk fails").wait_for()

    olga.go("/hosts")
    olga.page.get_by_label("Module").select_option(module.name)
    olga.press("End the quarantine c2")
    dialog.get_by_label("Reason").fill("it has a new disk")
    dialog.get_by_role("button", name="End the quarantine").click()
    olga.page.get_by_text(f"in quarantine for {module.name}").wait_for(state="hidden")


def test_a_freeze_keeps_the_button_shut(person: People, shop: Shop) -> None:
    module = shop.module("cold", hosts=["c1"])
    module.publish("1.0.0")
    olga = person("olga").enter("/operations/freezes")
    olga.press("Declare a freeze")
    dialog = olga.page.get_by_role("dialog")
    dialog.get_by_label("Module").select_option("cold")
    dialog.get_by_label("Ends").fill("2099-01-01T00:00")
    dialog.get_by_label("Reason").fill("stocktaking")
    dialog.get_by_role("button", name="Declare a freeze").click()
    olga.page.get_by_role("cell", name="stocktaking freeze").wait_for()
    olga.go("/deploy/cold/production?version=1.0.0")
    go = olga.page.get_by_role("button", name="Deploy 1.0.0 to production")
    go.wait_for()
    assert go.is_disabled()
    olga.page.get_by_label("Why it goes on although it is frozen").fill("the shop is down")
    go.click()
    dialog = olga.page.get_by_role("dialog")
    dialog.get_by_label("Type cold to go on").fill("cold")
    dialog.get_by_role("button", name="Deploy 1.0.0 to production").click()
    olga.state("succeeded")
    olga.go("/operations/audit")
    assert "freeze" in olga.page.locator("tbody").inner_text()
    olga.press("Verify the chain")
    olga.page.get_by_text("The chain is whole").wait_for()


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "{{ 7 * 7 }}"])
def test_what_comes_from_elsewhere_is_text(person: People, shop: Shop, name: str) -> None:
    module = shop.module(f"hostile-{len(name)}", hosts=["c1"], description=name)
    module.publish("1.0.0")
    assert shop.lab.api
    shop.lab.api.call(
        "runner", "pushguide.announce", module=module.name, version="1.0.0", notes=name, author="a"
    )
    olga = person("olga").enter()
    olga.page.get_by_text(name).first.wait_for()
    olga.go(f"/deploy/{module.name}/production")
    olga.page.locator(".notes").get_by_text(name).wait_for()
    assert not olga.page.locator("img[src=x]").count()


def test_by_keyboard_alone(person: People, shop: Shop) -> None:
    olga = person("olga").enter()
    page = olga.page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # past the navigation
    assert page.evaluate("document.activeElement.id") == "main"
    page.get_by_label("Search").focus()
    page.keyboard.type("pay-")
    wait_until(lambda: page.locator("li.module").count() == 1, "one module")
    page.get_by_role("link", name="Deploy pay-site production").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Deploy pay-site").wait_for()
