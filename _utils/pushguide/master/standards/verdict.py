"""What findings come to: errors, warnings, and what is waived, by whom and until when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pushguide.master.store.standards import Waiver
from pushguide.standards.globs import Globs
from pushguide.standards.rules import ERROR, WARNING, Finding

#: How many findings of one rule are named in a refusal.
_NAMED_AT_MOST = 10


@dataclass(frozen=True)
class Verdict:
    """What a check comes to.

    Attributes:
        errors: the findings that refuse a deployment.
        warnings: those that people should see.
        waived: those that do not count, each with its waiver.
        unseen: files that were not looked into, since all of them together are too long.
        checked_at: when the artifact was read.
    """

    errors: list[Finding]
    warnings: list[Finding]
    waived: list[tuple[Finding, Waiver]]
    unseen: list[str] = field(default_factory=list)
    checked_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain data."""
        waived = [{**_told(one), **waiver_told(waiver)} for one, waiver in self.waived]
        return {
            "errors": [_told(one) for one in self.errors],
            "warnings": [_told(one) for one in self.warnings],
            "waived": waived,
            "not_looked_into": self.unseen,
        }

    def refusal(self, what: str, module: str) -> list[str]:
        """Every error as a sentence, with what to do about it.

        Args:
            what: what was checked.
            module: the module, for the command that waives.
        """
        sentences = []
        for rule in dict.fromkeys(one.rule for one in self.errors):
            mine = [one for one in self.errors if one.rule == rule]
            named = "; ".join(f"{one.path or what} {one.what}" for one in mine[:_NAMED_AT_MOST])
            more = len(mine) - _NAMED_AT_MOST
            rest = f"; and {more} more (salt-run pushguide.check)" if more > 0 else ""
            sentences.append(
                f"{what} is against the rule {rule} of the code standards: {named}{rest}. "
                f"{mine[0].why} {mine[0].mend} If it has to be, waive it for a time: salt-run "
                f"pushguide.waive module={module} rule={rule} until=<date> reason=<why>."
            )
        return sentences


def judge(
    findings: Iterable[Finding], waivers: Sequence[Waiver], at: datetime, **more: Any
) -> Verdict:
    """Part findings into errors, warnings and what is waived.

    Args:
        findings: what was found.
        waivers: the module's waivers; those that have ended count for nothing.
        at: the moment.
        more: of the verdict.
    """
    counting = [(one, Globs([one.path.rstrip("/")]) if one.path else None) for one in waivers]
    verdict = Verdict([], [], [], **more)
    for one in findings:
        waiver = next(
            (
                waiver
                for waiver, globs in counting
                if waiver.rule == one.rule
                and waiver.has_effect(at)
                and (globs is None or (one.path and globs.covers(one.path)))
            ),
            None,
        )
        if waiver:
            verdict.waived.append((one, waiver))
        elif one.level == ERROR:
            verdict.errors.append(one)
        elif one.level == WARNING:
            verdict.warnings.append(one)
    return verdict


def _told(one: Finding) -> dict[str, str]:
    return {name: value for name, value in one._asdict().items() if name != "level"}


def waiver_told(waiver: Waiver) -> dict[str, Any]:
    """What is said of a waiver beside what it waives."""
    return {
        "waiver": waiver.id,
        "waived_by": waiver.waived_by,
        "until": waiver.until.isoformat(timespec="seconds"),
        "reason": waiver.reason,
    }
