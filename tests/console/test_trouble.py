"""What goes wrong around the console: it says so, and recovers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.console.browsing import Person, Shop
from tests.console.many_hosts import firing, progress
from tests.support.salt_lab import Api, Lab

People = Callable[..., Person]


def test_salt_api_is_restarted(person: People, shop: Shop, salt_api: Any) -> None:
    olga = person("olga").enter("/deploy/shop-web/production?version=1.3.0")
    olga.page.get_by_text("Options").click()
    olga.page.get_by_label("Canary").fill("1")
    olga.expects_trouble = True
    salt_api.terminate()
    olga.page.get_by_label("Leave out hosts").check()
    olga.page.get_by_role("alert").get_by_text("salt-api").first.wait_for()
    salt_api.start()
    assert shop.lab.api
    shop.lab.api = Api(shop.lab.api.url, "olga", olga.console.secret)
    # It knows nobody any more: the page asks again, over what was typed. It may have found out by
    # its stream first, and have put its question over the box.
    olga.page.get_by_label("Leave out hosts").dispatch_event("click")
    olga.page.get_by_role("heading", name="Please sign in again").wait_for()
    assert olga.page.get_by_label("Canary").input_value() == "1"
    olga.sign_in()
    olga.page.get_by_role("heading", name="Please sign in again").wait_for(state="hidden")
    olga.page.get_by_role("button", name="Deploy 1.3.0 to production").wait_for()
    assert olga.page.get_by_label("Canary").input_value() == "1"


def test_a_session_ends_in_the_middle_of_a_deployment(person: People, shop: Shop) -> None:
    _, number = shop.paused("expiring", ["c1", "c2"])
    olga = person("olga").enter(f"/deployments/{number}")
    olga.state("paused")
    olga.press("Confirm")
    dialog = olga.page.get_by_role("dialog").filter(has_text="Confirm deployment")
    dialog.get_by_label("Reason").fill("looks well")
    token = olga.page.evaluate("JSON.parse(sessionStorage['pushguide.session']).token")
    olga.expects_trouble = True
    olga.context.request.post(f"{olga.console.url}/logout", headers={"X-Auth-Token": token})
    # The page itself may have found out first, and have put its question over the button.
    olga.page.locator("button[type=submit]", has_text="Confirm").dispatch_event("click")
    olga.page.get_by_role("heading", name="Please sign in again").wait_for()
    olga.sign_in()
    olga.page.get_by_role("heading", name="Please sign in again").wait_for(state="hidden")
    olga.page.locator("span[title=live]").wait_for()  # and hears what happens again
    assert dialog.get_by_label("Reason").input_value() == "looks well"
    dialog.get_by_role("button", name="Confirm").click()
    olga.state("succeeded")


def test_the_network_is_lost(person: People, shop: Shop) -> None:
    _, number = shop.paused("cut-off", ["c1", "c2"])
    olga = person("olga").enter(f"/deployments/{number}")
    olga.state("paused")
    olga.expects_trouble = True
    olga.context.set_offline(True)
    olga.page.get_by_text("has no network").wait_for()
    assert shop.lab.api
    done = shop.lab.api.call("runner", "pushguide.confirm", deployment=number)
    assert done["state"] == "succeeded"
    olga.context.set_offline(False)
    olga.page.get_by_text("has no network").wait_for(state="hidden")
    olga.state("succeeded")


def test_somebody_else_aborts(person: People, shop: Shop) -> None:
    _, number = shop.paused("aborted", ["c1", "c2"])
    dan, vera = person("dan"), person("vera")
    dan.enter(f"/deployments/{number}")
    vera.enter(f"/deployments/{number}")
    for one in (dan, vera):
        one.state("paused")
    dan.press("Abort")
    dialog = dan.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("orders fail")
    dialog.get_by_role("button", name="Abort").click()
    for one in (dan, vera):
        one.state("aborted")
        one.page.get_by_text("orders fail").first.wait_for()


def test_without_a_stream_pages_ask(person: People, shop: Shop) -> None:
    _, number = shop.paused("no-stream", ["c1", "c2"])
    olga = person("olga")
    olga.expects_trouble = True
    olga.page.route("**/events", lambda route: route.abort())
    olga.enter(f"/deployments/{number}")
    olga.state("paused")
    olga.page.get_by_text("asked every few seconds").wait_for()
    assert shop.lab.api
    shop.lab.api.call("runner", "pushguide.abort", deployment=number, reason="enough")
    olga.state("aborted")


def test_tabs_share_one_stream_and_hidden_ones_let_it_go(person: People, shop: Shop) -> None:
    olga = person("olga").enter(f"/deployments/{shop.failed}")
    streams: list[str] = []
    olga.context.on(
        "request",
        lambda one: streams.append(one.url) if one.url.endswith("/events") else None,
    )
    olga.page.get_by_text("live", exact=True).first.wait_for()
    # A second tab takes over the first one's session, and opens no stream.
    second = olga.context.new_page()
    session = olga.page.evaluate("sessionStorage['pushguide.session']")
    second.add_init_script(f"sessionStorage['pushguide.session'] = {session!r}")
    second.goto(f"{olga.console.url}/#/deployments/{shop.failed}")
    second.locator("span[title='live']").wait_for()
    assert streams == []
    # Closed, the first one leaves it to the second.
    olga.page.close()
    second.wait_for_timeout(0)
    second.bring_to_front()
    second.locator("span[title='live']").wait_for()
    assert len(streams) <= 1


def test_a_record_that_was_asked_for_earlier_undoes_no_event(
    person: People, lab: Lab, many: int
) -> None:
    olga = person("olga")
    held: list[tuple[Any, Any]] = []

    def hold(route: Any) -> None:
        """Keep one answer of show back: it does not know what happens meanwhile."""
        if held or not is_armed or "pushguide.show" not in (route.request.post_data or ""):
            route.continue_()
        else:
            held.append((route, route.fetch()))

    is_armed = False
    olga.page.route(f"{olga.console.url}/", hold)
    olga.enter(f"/deployments/{many}")
    olga.page.locator("span[title=live]").wait_for()
    is_armed = True
    while not held:  # it is asked for now and then; the test's own bound ends this
        olga.page.wait_for_timeout(100)
    with firing(lab) as fire:
        fire(*progress(many, "host000", "prepare", "succeeded"))
    cell = olga.page.locator("[data-stage=prepare]")
    cell.filter(has_text="1 / 500").wait_for()
    ((route, answer),) = held
    route.fulfill(response=answer)
    olga.settle()
    assert "1 / 500" in cell.inner_text()
