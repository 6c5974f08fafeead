"""The texts of messages, in English and in simplified Chinese."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pushguide.master import events
from pushguide.master.notifications.sending import FAILURE, INFO, SUCCESS, WARNING, Message
from pushguide.master.store.outbox import Told

LANGUAGES = ("en", "zh")

#: How a channel shows an event; as information if it is not here.
_KINDS = {
    events.WAITING_FOR_APPROVAL: WARNING,
    events.PAUSED: WARNING,
    events.SUCCEEDED: SUCCESS,
    events.FAILED: FAILURE,
    events.ROLLED_BACK: FAILURE,
    events.ABORTED: WARNING,
    events.UNCLEAR: FAILURE,
    events.FREEZE_OVERRIDDEN: WARNING,
    events.QUARANTINED: WARNING,
    events.HOST_DOWN: WARNING,
}
_SERIOUS = (INFO, SUCCESS, WARNING, FAILURE)

#: What a message about one event is titled, by language and event.
TITLES = {
    "en": {
        events.WAITING_FOR_APPROVAL: "{{ what }} waits for approval{{ number }}",
        events.SCHEDULED: "{{ what }} is scheduled{{ number }}",
        events.QUEUED: "{{ what }} is in the queue{{ number }}",
        events.STARTED: "{{ what }} has begun{{ number }}",
        events.PAUSED: "{{ what }} is paused{{ number }}",
        events.RESUMED: "{{ what }} goes on{{ number }}",
        events.SUCCEEDED: "{{ what }} succeeded{{ number }}",
        events.FAILED: "{{ what }} FAILED{{ number }}",
        events.ROLLED_BACK: "{{ what }} failed and was rolled back{{ number }}",
        events.ABORTED: "{{ what }} was aborted{{ number }}",
        events.UNCLEAR: "{{ what }}: what runs on {{ unknown }} hosts is not known{{ number }}",
        events.FREEZE_OVERRIDDEN: "{{ what }} goes on in spite of any freeze{{ number }}",
        events.QUARANTINED: "{{ host }} is in quarantine for {{ module or 'every module' }}",
        events.UNQUARANTINED: "{{ host }} is out of quarantine for {{ module or 'every module' }}",
        events.HOST_DOWN: "{{ count }} host{{ 's' if count != 1 }} in {{ data_centre }} "
        "do{{ 'es' if count == 1 }} not answer",
        events.HOST_UP: "{{ count }} host{{ 's' if count != 1 }} in {{ data_centre }} "
        "answer{{ 's' if count == 1 }} again",
    },
    "zh": {
        events.WAITING_FOR_APPROVAL: "{{ what }} 等待批准{{ number }}",
        events.SCHEDULED: "{{ what }} 定时等待{{ number }}",
        events.QUEUED: "{{ what }} 排队中{{ number }}",
        events.STARTED: "{{ what }} 开始{{ number }}",
        events.PAUSED: "{{ what }} 已暂停{{ number }}",
        events.RESUMED: "{{ what }} 继续{{ number }}",
        events.SUCCEEDED: "{{ what }} 成功{{ number }}",
        events.FAILED: "{{ what }} 失败{{ number }}",
        events.ROLLED_BACK: "{{ what }} 失败，已回滚{{ number }}",
        events.ABORTED: "{{ what }} 已中止{{ number }}",
        events.UNCLEAR: "{{ what }}：{{ unknown }} 台主机的现状不明{{ number }}",
        events.FREEZE_OVERRIDDEN: "{{ what }} 不顾封网继续{{ number }}",
        events.QUARANTINED: "{{ host }} 已隔离（{{ module or '所有模块' }}）",
        events.UNQUARANTINED: "{{ host }} 已解除隔离（{{ module or '所有模块' }}）",
        events.HOST_DOWN: "{{ data_centre }} 有 {{ count }} 台主机无响应",
        events.HOST_UP: "{{ data_centre }} 有 {{ count }} 台主机恢复响应",
    },
}
#: What stands below the title: a line is left out if there is nothing to say.
_BODIES = {
    "en": """\
{% if number %}{{ kind }} of {{ module }} {{ version }} to {{ environment }}, asked for by {{ by }}
{% endif %}{% if cause == 'auto_rollback' %}It comes by itself, because of #{{ cause_id }}.
{% elif cause == 'retry' %}It tries #{{ cause_id }} again.
{% endif %}{% if start_at %}Starts at: {{ start_at | clock }}
{% endif %}{% if hosts is number %}Hosts: {{ succeeded }} of {{ hosts }} succeeded\
{% if wrong %}, {{ wrong }} did not{% endif %}
{% endif %}{% if seconds is number %}Took: {{ seconds | duration }}
{% endif %}{% if not number and by %}By: {{ by }}
{% endif %}{% if until %}Until: {{ until | clock }}
{% endif %}{% if reason %}Why: {{ reason }}
{% endif %}{% for one in errors %}- {{ one.host }}: {{ one.outcome }}\
{% if one.error %}: {{ one.error }}{% endif %}
{% endfor %}{% if wrong and wrong > errors | length %}- and {{ wrong - errors | length }} more
{% endif %}{% if count %}{{ hosts | join(', ') }}\
{% if count > hosts | length %} and {{ count - hosts | length }} more{% endif %}
{% endif %}At: {{ at | clock }}
{% if link %}{{ link }}
{% endif %}""",
    "zh": """\
{% if number %}{{ kind }}：{{ module }} {{ version }}，环境 {{ environment }}，发起人 {{ by }}
{% endif %}{% if cause == 'auto_rollback' %}由 #{{ cause_id }} 自动触发。
{% elif cause == 'retry' %}重试 #{{ cause_id }}。
{% endif %}{% if start_at %}开始时间：{{ start_at | clock }}
{% endif %}{% if hosts is number %}主机：{{ hosts }} 台中 {{ succeeded }} 台成功\
{% if wrong %}，{{ wrong }} 台异常{% endif %}
{% endif %}{% if seconds is number %}耗时：{{ seconds | duration }}
{% endif %}{% if not number and by %}操作人：{{ by }}
{% endif %}{% if until %}截止：{{ until | clock }}
{% endif %}{% if reason %}原因：{{ reason }}
{% endif %}{% for one in errors %}- {{ one.host }}：{{ one.outcome | outcome }}\
{% if one.error %}：{{ one.error }}{% endif %}
{% endfor %}{% if wrong and wrong > errors | length %}- 另有 {{ wrong - errors | length }} 台
{% endif %}{% if count %}{{ hosts | join('、') }}\
{% if count > hosts | length %} 等 {{ count }} 台{% endif %}
{% endif %}时间：{{ at | clock }}
{% if link %}{{ link }}
{% endif %}""",
}
_WHAT = {
    "en": "{{ kind | capitalize }} of {{ module }} {{ version }} to {{ environment }}",
    "zh": "{{ module }} {{ version }} {{ kind }}到 {{ environment }}",
}
_KIND_OF_DEPLOYMENT = {
    "en": {"deploy": "deployment", "rollback": "rollback", "redeploy": "redeployment"},
    "zh": {"deploy": "发布", "rollback": "回滚", "redeploy": "重新发布"},
}
_OUTCOMES = {
    "failed": "失败",
    "restored": "已退回",
    "unknown": "未知",
    "inconclusive": "无法判定",
    "stopped_short": "中途停止",
}
_DIGEST = {"en": "pushguide: {} events", "zh": "pushguide：{} 条消息"}
_TEST = {
    "en": ("A test of the channel {}", "Asked for by {}. Nothing has happened.\n"),
    "zh": ("渠道 {} 的测试消息", "由 {} 发起，没有任何变化。\n"),
}
_NUMBER = {"en": " (#{})", "zh": "（#{}）"}
_MINUTES = {"en": "{} min {} s", "zh": "{} 分 {} 秒"}
_SECONDS = {"en": "{:g} s", "zh": "{:g} 秒"}


def message_of(
    some: Sequence[Told], language: str, zone: ZoneInfo, console_url: str | None
) -> Message:
    """The message that tells something, or several things at once.

    Args:
        some: what is told, the oldest first.
        language: in which language.
        zone: by whose clock.
        console_url: where people open the console.
    """
    key = key_of(some)
    parts = [_rendered(one, language, zone, console_url) for one in some]
    kind = max((_KINDS.get(one.event, INFO) for one in some), key=_SERIOUS.index)
    if len(parts) == 1:
        ((title, body),) = parts
    else:
        title = _DIGEST[language].format(len(parts))
        titles = "".join(f"- {one}\n" for one, _ in parts)
        body = titles + "".join(f"\n{one}\n{more}" for one, more in parts)
    return Message(key, title, body, kind)


def test_message(channel: str, by: str, language: str) -> Message:
    """A message that only shows that it arrives.

    Args:
        channel: the channel.
        by: who wants to see it.
        language: in which language.
    """
    title, body = _TEST[language]
    key = _short(f"test {channel} {datetime.now(timezone.utc).isoformat()}")
    return Message(key, title.format(channel), body.format(by))


def key_of(some: Sequence[Told]) -> str:
    """The key of a message: the same ones always have the same, and nothing else has it.

    Two masters with databases of their own have deployments with the same number: the moment at
    which it was written down tells them apart.
    """
    names = (f"{one.idempotency_key} {one.created_at.isoformat()}" for one in some)
    return _short("\n".join(names))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _rendered(one: Told, language: str, zone: ZoneInfo, console_url: str | None) -> tuple[str, str]:
    """Title and body of one thing."""
    title, body, what = _templates(language, one.event)
    number = one.deployment_id
    facts: dict[str, Any] = {
        "at": one.created_at.isoformat(),
        "errors": [],
        **one.facts,
        "module": one.module,
        "environment": one.environment,
        "number": _NUMBER[language].format(number) if number else "",
        "zone": zone,
        "link": f"{console_url.rstrip('/')}/#/deployments/{number}"
        if console_url and number
        else None,
    }
    kind = str(facts.get("kind"))
    facts["kind"] = _KIND_OF_DEPLOYMENT[language].get(kind, kind)
    facts["what"] = what.render(facts)
    return title.render(facts), body.render(facts)


@cache
def _environment(language: str) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        autoescape=False,  # plain text: who shows it escapes it
        finalize=_one_line,
        keep_trailing_newline=True,
    )
    made.filters["duration"] = lambda seconds: _duration(seconds, language)
    made.filters["outcome"] = lambda outcome: _OUTCOMES.get(outcome, outcome)
    made.filters["clock"] = _clock
    return made


@cache
def _templates(language: str, event: str) -> tuple[Any, Any, Any]:
    made = _environment(language)
    texts = (TITLES[language][event], _BODIES[language], _WHAT[language])
    title, body, what = (made.from_string(one) for one in texts)
    return title, body, what


def _one_line(value: object) -> object:
    """What is filled in stays on its line, whatever somebody has put into a reason."""
    if not isinstance(value, str):
        return value
    return "".join(one if one.isprintable() else " " for one in value)


def _duration(seconds: float, language: str) -> str:
    if seconds < 60:
        return _SECONDS[language].format(round(seconds, 1))
    whole = round(seconds)
    return _MINUTES[language].format(whole // 60, whole % 60)


@pass_context
def _clock(context: Context, moment: str) -> str:
    """A moment by the clock of whoever reads it."""
    local = datetime.fromisoformat(moment).astimezone(context["zone"])
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"
