"""Warm-up: requests whose answers do not matter."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from pushguide.host.steps import Note
from pushguide.host.warm_up import send_all
from pushguide.words import SKIPPED, SUCCEEDED, WARNING
from tests.support.health import Health
from tests.support.host import Host, steps


def go_on() -> None:
    """Nobody told the job to stop."""


def test_each_address_is_asked_as_often_as_said(tmp_path: Path) -> None:
    (tmp_path / "1.4.2").write_text("yes")
    (tmp_path / "a").write_text("yes")
    with Health(tmp_path) as web:
        urls = [f"{web.url}/files/{{version}}", f"{web.url}/files/a"]
        told = send_all({"urls": urls, "times": 3}, "1.4.2", go_on)
        assert str(told).startswith("6 requests in ")
        assert web.asked == ["/files/1.4.2", "/files/a"] * 3


def test_an_error_is_a_warning_and_the_rest_is_sent(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("yes")
    with Health(tmp_path) as web:
        urls = [f"{web.url}/files/none", f"{web.url}/files/a"]
        told = send_all({"urls": urls, "times": 2}, "1", go_on)
        assert isinstance(told, Note)
        assert told.outcome == WARNING
        assert told.detail.endswith(f"; {web.url}/files/none: status 404")
        assert len(web.asked) == 4


def test_who_does_not_answer_is_not_asked_for_ever() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        began = time.monotonic()
        told = send_all({"urls": [url] * 5, "timeout_seconds": 0.1}, "1", go_on)
    assert isinstance(told, Note)
    assert (told.outcome, told.detail.endswith("; 4 requests were not sent")) == (WARNING, True)
    assert time.monotonic() - began < 5


def test_what_has_just_been_started_is_given_time() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        calls: list[int] = []

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=answer)

        def starts_later() -> None:
            calls.append(1)
            if len(calls) == 2:
                listener.listen()
                thread.start()

        told = send_all({"urls": [url], "timeout_seconds": 60}, "1", starts_later)
        thread.join(60)
    assert str(told).startswith("1 requests in ")


def test_it_comes_before_the_probe(probed: Host, web: Health) -> None:
    urls = [web.gate("warm-up")]
    web.open("warm-up")
    web.asked.clear()
    answer = probed.deploy("1", warm_up={"urls": urls})
    assert [*steps(answer, "post_release")][:2] == ["warm_up", "probe"]
    assert steps(answer, "post_release")["warm_up"][0] == SUCCEEDED
    assert web.asked[0] == "/gate/warm-up"
    assert len(web.asked) == 2


def test_a_cold_release_is_proven_all_the_same(probed: Host, web: Health) -> None:
    answer = probed.deploy("1", warm_up={"urls": [web.gate("closed-for-ever")]})
    assert answer["outcome"] == SUCCEEDED
    assert steps(answer, "post_release")["warm_up"][0] == WARNING


@pytest.mark.parametrize("again", [False, True])
def test_without_need_it_is_skipped(probed: Host, again: bool, web: Health) -> None:
    artifact = probed.build("1")
    answer = probed.deploy("1", artifact=artifact)
    why = "the template has no warm_up"
    if again:
        answer = probed.deploy("1", artifact=artifact, warm_up={"urls": [web.gate("x")]})
        why = "the release was live already"
    assert steps(answer, "post_release")["warm_up"] == (SKIPPED, why)
