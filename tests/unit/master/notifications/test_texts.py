"""The texts: every event, in both languages."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pushguide.master.events import EVENTS
from pushguide.master.notifications import sending, texts
from pushguide.master.notifications.texts import LANGUAGES, TITLES, message_of
from pushguide.master.store.outbox import Told

UTC = ZoneInfo("UTC")
AT = datetime(2026, 11, 29, 19, 0, 5, tzinfo=timezone.utc)
ERRORS = [{"host": "web1", "outcome": "failed", "error": "probe answered 503"}]
ENDED = {"hosts": 5, "succeeded": 2, "wrong": 3, "unknown": 2, "errors": ERRORS, "seconds": 192.4}
OF_DEPLOYMENT: dict[str, Any] = {
    "kind": "deploy",
    "version": "1.4.2",
    "by": "ann",
    "reason": "web1 failed",
    "cause": None,
    "cause_id": None,
    "at": AT.isoformat(),
    "start_at": None,
}
OF_HOSTS: dict[str, Any] = {
    "hosts": ["w1", "w2"],
    "count": 22,
    "data_centre": "shanghai",
    "at": AT.isoformat(),
}
OF_QUARANTINE: dict[str, Any] = {
    "host": "w1",
    "by": "ann",
    "reason": "its disk fails",
    "until": None,
}


def told(event: str, number: int | None = 42, **more: Any) -> Told:
    if event.startswith("host"):
        return Told(1, event, event, None, None, None, {**OF_HOSTS, **more}, AT)
    if "quarantined" in event:
        return Told(1, event, event, None, None, None, {**OF_QUARANTINE, **more}, AT)
    facts = {**OF_DEPLOYMENT, **more}
    return Told(1, event, event, "shop-web", "production", number, facts, AT)


def message(*some: Told, language: str = "en", zone: ZoneInfo = UTC) -> Any:
    return message_of(some, language, zone, "https://salt.example.com/app/")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", [*EVENTS])
def test_every_event_has_a_text_in_every_language(event: str, language: str) -> None:
    ended = ENDED if event in ("failed", "rolled_back", "aborted", "unclear", "paused") else {}
    found = message(told(event, **ended), language=language)
    text = f"{found.title}\n{found.text(10_000)}"
    assert not re.search(r"None|Undefined|[{}]|\n\n|%", text), text
    assert "\n" not in found.title
    assert text.endswith(f"pushguide {found.key}")
    is_chinese = re.search(r"[\u4e00-\u9fff]", text) is not None
    assert is_chinese == (language == "zh")
    if event.startswith("host"):
        wanted = ["22", "shanghai", "w1", "w2", "20"]
    elif "quarantined" in event:
        wanted = ["w1", "ann", "its disk fails"]
    else:
        wanted = ["shop-web", "1.4.2", "production", "ann", "#42", "web1 failed"]
        wanted.append("https://salt.example.com/app/#/deployments/42")
    if ended:
        wanted += ["web1", "probe answered 503", "2", "5"]
    for one in wanted:
        assert one in text or (language == "zh" and one == "20"), (one, text)


def test_no_event_is_without_a_text() -> None:
    assert {language: {*TITLES[language]} for language in LANGUAGES} == {
        language: {*EVENTS} for language in LANGUAGES
    }


def test_a_failure_is_told_with_everything() -> None:
    found = message(told("failed", cause="auto_rollback", cause_id=41, kind="rollback", **ENDED))
    assert found.title == "Rollback of shop-web 1.4.2 to production FAILED (#42)"
    assert found.body.splitlines() == [
        "rollback of shop-web 1.4.2 to production, asked for by ann",
        "It comes by itself, because of #41.",
        "Hosts: 2 of 5 succeeded, 3 did not",
        "Took: 3 min 12 s",
        "Why: web1 failed",
        "- web1: failed: probe answered 503",
        "- and 2 more",
        "At: 2026-11-29 19:00:05 UTC",
        "https://salt.example.com/app/#/deployments/42",
    ]
    assert found.kind == "failure"


def test_and_in_chinese_by_the_clock_there() -> None:
    found = message(told("failed", **ENDED), language="zh", zone=ZoneInfo("Asia/Shanghai"))
    assert found.title == "shop-web 1.4.2 发布到 production 失败（#42）"
    assert found.body.splitlines() == [
        "发布：shop-web 1.4.2，环境 production，发起人 ann",
        "主机：5 台中 2 台成功，3 台异常",
        "耗时：3 分 12 秒",
        "原因：web1 failed",
        "- web1：失败：probe answered 503",
        "- 另有 2 台",
        "时间：2026-11-30 03:00:05 CST",
        "https://salt.example.com/app/#/deployments/42",
    ]


def test_a_reason_is_no_template_and_stays_on_its_line() -> None:
    found = message(told("paused", reason="{{ 7 * 7 }}\nAt: never\x1b[31m"))
    assert "Why: {{ 7 * 7 }} At: never [31m" in found.body.splitlines()


def test_a_digest_holds_all_and_is_as_serious_as_the_worst() -> None:
    found = message(told("succeeded", 41), told("failed", 42), told("host_up"))
    assert (found.title, found.kind) == ("pushguide: 3 events", "failure")
    for one in ("succeeded (#41)", "FAILED (#42)", "22 hosts in shanghai answer again"):
        assert one in found.body
    assert found.text(10_000).count("pushguide ") == 1


def test_what_is_too_long_for_a_receiver_loses_its_last_lines() -> None:
    found = message(*[told("failed", number, **ENDED) for number in range(1, 21)], language="zh")
    assert len(found.text(10**6).encode()) > 4000
    text = found.text(2000)
    assert 1500 < len(text.encode()) <= 2000
    # All titles come first, and the key stays.
    assert all(f"失败（#{number}）\n" in text for number in range(1, 21))
    assert text.endswith(f"...\npushguide {found.key}")
    assert found.text(60) == f"...\npushguide {found.key}"


def test_a_service_is_sent_no_more_than_it_takes() -> None:
    found = message(told("failed", **ENDED))
    for url, room in (
        ("wecombot://abcdef-1234-abcd-1234-abcdefabcdef/", 2048),
        ("workflows://prod-1.logic.azure.com:443/643e69f83c8944/signature", 1000),
        ("json://127.0.0.1", 32768),
    ):
        assert room - 120 < sending._room(sending._plugin(url), found) <= room


def test_keys_differ_where_messages_do() -> None:
    one, other = told("failed"), told("succeeded")
    later = Told(**{**vars(one), "created_at": AT.replace(microsecond=1)})
    groups = [[one], [other], [later], [one, other], [other, one]]
    assert len({texts.key_of(some) for some in groups}) == len(groups)
    assert texts.key_of([one]) == texts.key_of([told("failed")])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_test_says_that_it_is_one(language: str) -> None:
    found = texts.test_message("ops", "ann", language)
    assert "ops" in found.title
    assert "ann" in found.body
    assert found.key != texts.test_message("ops", "ann", language).key
