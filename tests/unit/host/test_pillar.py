"""Secrets of the host's own pillar: filled in where they are needed, and told to nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pushguide.errors import StepFailed
from pushguide.host import pillar
from pushguide.host.pillar import Secrets
from pushguide.host.steps import step
from pushguide.host.types.static_site import StaticSite
from tests.support.file_server import FileServer, serving
from tests.support.host import Host

SECRET = "correct-horse-of-the-pillar"


def pillar_of(**values: Any) -> dict[str, Callable[..., Any]]:
    """Salt's functions for a pillar with these values at its top."""
    return {
        "pillar.get": lambda path, default="", **_: values.get(path, default),
        "pillar.items": lambda **_: {},
    }


def test_texts_are_filled_in_at_any_depth() -> None:
    secrets = Secrets(pillar_of(key=SECRET, port=8080))
    given = {"a": ["x {pillar.key}", {"b": "{pillar.port}"}], "c": 5, "d": "{id} {version}"}
    wanted = {"a": [f"x {SECRET}", {"b": "8080"}], "c": 5, "d": "{id} {version}"}
    assert secrets.filled(given) == wanted
    assert secrets.filled(None) is None


@pytest.mark.parametrize(
    ("found", "said"), [("", "has nothing there"), (None, "has nothing there"), ({}, "is a dict")]
)
def test_what_is_no_value_is_told(found: Any, said: str) -> None:
    with pytest.raises(StepFailed, match=said):
        Secrets(pillar_of(key=found)).filled("{pillar.key}")


def test_what_was_filled_in_is_hidden_even_as_python_quotes_it() -> None:
    strange = 'it\'s "so"\n'
    secrets = Secrets(pillar_of(key=SECRET, strange=strange, short="abc"))
    assert not secrets.are_known
    secrets.filled("{pillar.key}{pillar.strange}{pillar.short}")
    assert secrets.are_known
    assert secrets.hidden(f"<{SECRET}> {strange!r} abc") in ("<***> '***' abc", '<***> "***" abc')


class Telling(StaticSite):
    """A static site whose switch tells what it has out of the pillar, in some way."""

    def release(self) -> None:
        """Tell."""
        self.tell()

    @step(changes=False)
    def tell(self) -> str:
        """Tell what is nobody's business."""
        secret = self.secrets.filled("{pillar.key}")
        how = self.settings["how"]
        if how == "bug":
            raise ValueError(f"bad value {secret!r}")
        if how == "failure":
            try:
                raise OSError(f"connecting with {secret}")
            except OSError as err:
                raise StepFailed(f"It failed: {err}") from err
        return f"done with {secret}"


@pytest.mark.parametrize("how", ["success", "failure", "bug"])
def test_no_step_tells_a_secret(tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    host = Host(tmp_path, Telling, settings={"how": how})
    host.salt |= pillar_of(key=SECRET)
    answer = host.run(host.share("1"))
    told = str([answer, host.fire.mock_calls, caplog.text, vars(host.journal)])
    assert "***" in str(answer)
    assert SECRET not in told
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_probe_warm_up_and_drain_send_what_the_pillar_has(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer {pillar.key}"}
    with FileServer(authorization=f"Bearer {SECRET}", files={"/x": b"well"}) as server:
        url = f"{server.url}/x"
        call = {"url": url, "headers": headers, "method": "POST"}
        host = Host(
            tmp_path,
            probe={"url": url, "headers": headers, "text": "well", "within_seconds": 0.1},
            warm_up={"urls": [url], "headers": headers},
            drain={"kind": "http", "out": call, "back": call},
        )
        host.salt |= pillar_of(key=SECRET)
        answer = host.run(host.share("1"))
    assert answer["outcome"] == "succeeded", answer
    assert len(server.requests) == 4
    assert {one["authorization"] for _, one in server.requests} == {f"Bearer {SECRET}"}
    written = host.journal_path.read_text()
    assert SECRET not in written + str(answer) + str(host.fire.mock_calls)
    assert "{pillar.key}" in written


def test_what_an_answer_repeats_of_a_secret_is_taken_out(tmp_path: Path) -> None:
    with serving(x=b"well") as server:
        wanted = {"ETag": "{pillar.key}"}
        probe = {"url": f"{server.url}/x", "answer_headers": wanted, "within_seconds": 0.01}
        host = Host(tmp_path, probe=probe)
        host.salt |= pillar_of(key=SECRET)
        answer = host.run(host.share("1"))
    assert "without '***'" in answer["error"]
    assert SECRET not in str(answer) + host.journal_path.read_text()


def test_what_the_pillar_lacks_fails_prepare(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer {pillar.key}"}
    host = Host(tmp_path, probe={"url": "http://127.0.0.1:9/", "headers": headers})
    host.salt |= pillar_of()
    answer = host.run(host.share("1"))
    assert (answer["outcome"], answer["live"]) == ("failed", None)
    assert [one["stage"] for one in answer["stages"]] == ["prepare"]
    assert "{pillar.key} failed: this host's pillar has nothing there" in answer["error"]


def test_the_pillar_in_memory_goes_before_that_of_the_master() -> None:
    functions = {
        **pillar_of(key="here"),
        "pillar.items": lambda **_: {"key": "there", "b": {"c": 1}},
    }
    assert pillar.look_up("key", functions) == "here"
    assert pillar.look_up("b:c", functions) == 1
