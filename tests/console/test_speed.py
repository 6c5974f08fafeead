"""How quick the console is: measured as distributions, which are printed beside their goals."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from playwright.sync_api import Error as NotShown

from tests.console.browsing import Person, Shop
from tests.console.many_hosts import firing, progress
from tests.support.salt_lab import Lab

People = Callable[..., Person]

FIRST_LOAD_BYTES = 250_000
INTERACTIVE_SECONDS = 1.5
SHOWN_MS = 500
SIGN_IN_SECONDS = 1.0
FRAME_MS = 50
CONSOLES = 60
#: How many goals a median may be away on a machine that does other things too.
NOISE = 5


def told(what: str, values: list[float], unit: str, goal: float) -> None:
    """Print a distribution beside its goal; what is several goals away fails.

    Other work on the machine adds to these times, and the page is slowed down by it as much as
    by itself.
    """
    ordered = sorted(values)
    middle = statistics.median(ordered)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    print(
        f"console: {what}: best {ordered[0]:.3g} {unit}, p50 {middle:.3g} {unit}, "
        f"p95 {p95:.3g} {unit} of {len(ordered)} (goal {goal:g} {unit}) "
        f"{'ok' if middle <= goal else 'short'}"
    )
    assert middle <= goal * NOISE


def test_the_first_load_is_small(person: People, shop: Shop) -> None:
    """All that comes over the wire for the modules page; salt-api compresses HTML alone."""
    olga = person("olga")
    wire = olga.context.new_cdp_session(olga.page)
    wire.send("Network.enable")
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda one: sizes.append(one["encodedDataLength"]))
    olga.enter()
    olga.page.get_by_text("shop-web").first.wait_for()
    print(f"console: first load: {sum(sizes) / 1000:.0f} kB (goal {FIRST_LOAD_BYTES / 1000:g} kB)")
    assert sum(sizes) <= FIRST_LOAD_BYTES


def test_it_is_interactive_soon_on_a_slow_machine(person: People, shop: Shop) -> None:
    """From the beginning of the navigation until the page can be typed into, CPU slowed 4 times."""
    seconds = []
    for _ in range(7):
        olga = person("olga")
        olga.context.new_cdp_session(olga.page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
        olga.page.goto(olga.console.url)
        olga.page.locator("#username").wait_for()
        # What the browser itself noted: Vue's own mount comes after the scripts have run.
        seconds.append(
            olga.page.evaluate("performance.getEntriesByName('interactive')[0].startTime") / 1000
        )
    told("interactive, CPU slowed 4 times", seconds, "s", INTERACTIVE_SECONDS)


#: Notes when the picture of a stage has changed, by the browser's clock.
WATCH = """() => {
  window.seen = [];
  const cell = document.querySelector('[data-stage=prepare]');
  const count = cell.querySelector('strong');
  new MutationObserver(() => window.seen.push([count.textContent, Date.now()]))
    .observe(cell, {subtree: true, childList: true, characterData: true, attributes: true});
}"""


def test_a_change_is_seen_at_once(person: People, lab: Lab, many: int) -> None:
    """From an event on the master's bus to the page that shows it: both on one clock."""
    olga = person("olga").enter(f"/deployments/{many}")
    olga.page.locator("span[title=live]").wait_for()
    olga.page.evaluate(WATCH)
    waits = []
    with firing(lab) as fire:
        for at in range(25):
            began = time.time() * 1000
            fire(*progress(many, f"host{at:03}", "prepare", "succeeded"))
            olga.page.locator("[data-stage=prepare]").filter(has_text=f"{at + 1} / 500").wait_for()
            seen = olga.page.evaluate("window.seen")
            (shown, *_) = [when for text, when in seen if text == f"{at + 1} / 500"]
            waits.append(shown - began)
    told("a stage's change is shown", waits, "ms", SHOWN_MS)


#: Notes how long frames take while hosts report.
FRAMES = """() => {
  window.frames_ = [];
  let last = performance.now();
  const note = (now) => { window.frames_.push(now - last); last = now;
    requestAnimationFrame(note); };
  requestAnimationFrame(note);
}"""


def tell_until_shown(fire: Any, number: int, hosts: list[str], stage: str, shown: Any) -> None:
    """Report a batch until the page shows all of it: Salt's bus drops what it cannot pass on."""
    for _ in range(20):
        for host in hosts:
            fire(*progress(number, host, stage, "succeeded"))
        with contextlib.suppress(NotShown):
            shown.wait_for(timeout=3_000)
            return
    raise AssertionError(f"{stage} of {hosts[0]} and others is not shown")


def test_five_hundred_hosts_stay_smooth(person: People, lab: Lab, many: int) -> None:
    """Frames, while 500 hosts report 4 stages within seconds and somebody scrolls."""
    olga = person("olga").enter(f"/deployments/{many}")
    olga.page.locator("span[title=live]").wait_for()
    assert olga.page.locator("li[data-host]").count() == 100  # the others on request
    # Nothing of what is told stands in the record, which would put everything back.
    olga.page.route(f"{olga.console.url}/", lambda route: None)
    olga.page.evaluate(FRAMES)
    with firing(lab) as fire:
        for stage in ("prepare", "pre_release", "release", "post_release"):
            for batch in range(10):
                hosts = [f"host{at:03}" for at in range(batch * 50, batch * 50 + 50)]
                shown = f"{batch * 50 + 50} / 500" if stage == "prepare" else "50 / 50"
                where = "all" if stage == "prepare" else str(batch + 1)
                cell = olga.page.locator(f"[data-stage={stage}][data-batch='{where}']")
                tell_until_shown(fire, many, hosts, stage, cell.filter(has_text=shown))
                olga.page.mouse.wheel(0, 100)
    frames = olga.page.evaluate("window.frames_")
    told("frames, 500 hosts", frames, "ms", FRAME_MS)


def test_sixty_open_consoles_do_not_keep_others_out(lab: Lab, shop: Shop) -> None:
    """With salt-api's own thread pool, each console with its stream."""
    assert lab.api
    url, token = lab.api.url, lab.api.token
    headers = {"Accept": "text/event-stream", "X-Auth-Token": token}

    def stream() -> Any:
        return urllib.request.urlopen(urllib.request.Request(f"{url}/events", headers=headers))

    def sign_in() -> float:
        began = time.monotonic()
        body = f"username=vera&password={lab.master.config['sharedsecret']}&eauth=sharedsecret"
        request = urllib.request.Request(f"{url}/login", body.encode())
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 200
        return time.monotonic() - began

    with ExitStack() as stack:
        for _ in range(CONSOLES):
            stack.enter_context(stream())
        found: list[float] = []
        lock = threading.Lock()

        def some() -> None:
            for _ in range(5):
                took = sign_in()
                with lock:
                    found.append(took)

        threads = [threading.Thread(target=some) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert len(found) == 15
    told("sign-in beside 60 consoles", found, "s", SIGN_IN_SECONDS)
