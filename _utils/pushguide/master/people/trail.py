"""The trail: what is written into the audit of one call.

An act is written down when it begins and when it has ended, so that one whose process dies is there
too. A refusal for want of a role is written down whatever was asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pushguide.errors import Denied, PushguideError, Refused, problems_of
from pushguide.master.people.caller import Caller
from pushguide.master.people.gate import Place
from pushguide.master.store import audit
from pushguide.master.store.database import Database

log = logging.getLogger(__name__)

BEGUN = "begun"
DONE = "done"
REFUSED = "refused"
FAILED = "failed"
DENIED = "denied"

#: What an answer tells of what is there now.
_TOLD = (
    "deployment",
    "state",
    "version",
    "kind",
    "id",
    "mark",
    "role",
    "person",
    "rule",
    "until",
    "revision",
    "schema",
)
#: What is asked for and kept elsewhere: revisions hold templates.
_KEPT_ELSEWHERE = ("template",)
_TEXT_AT_MOST = 500


class Trail:
    """Writes down one call.

    Args:
        database: the record.
        caller: who calls.
        what: the function.
        arguments: what was asked for.
    """

    def __init__(
        self, database: Database, caller: Caller, what: str, arguments: Mapping[str, object]
    ) -> None:
        self.database = database
        self.caller = caller
        self.what = what
        self.arguments = {
            key: _short(value) for key, value in arguments.items() if key not in _KEPT_ELSEWHERE
        }
        self.role: str | None = None
        self.place: Place | None = None
        self.before: dict[str, Any] | None = None
        self.why: str | None = None

    def note_before(self, **before: Any) -> None:
        """Note what is there before anything is changed."""
        self.before = {key: _short(value) for key, value in before.items()}

    def note_asked(self, **arguments: object) -> None:
        """Note what was asked for where that shows only while it is looked at."""
        self.arguments.update({key: _short(value) for key, value in arguments.items()})

    def note_why(self, why: str) -> None:
        """Note why something is refused, where whoever asked for it is not told."""
        self.why = why

    def begin(self) -> None:
        """Write down that an act begins."""
        self._write(BEGUN)

    def end(self, answer: object) -> None:
        """Write down what has come of it."""
        told = answer if isinstance(answer, Mapping) else {}
        after = {key: _short(told[key]) for key in _TOLD if told.get(key) is not None}
        self._write_at_last(DONE, after=after or None)

    def end_with(self, error: PushguideError) -> None:
        """Write down that it was refused, or failed."""
        outcome = REFUSED if isinstance(error, Refused) else FAILED
        outcome = DENIED if isinstance(error, Denied) else outcome
        why = self.why or " ".join(problems_of(error))
        self._write_at_last(outcome, reason=why[:_TEXT_AT_MOST])

    def _write_at_last(self, outcome: str, **more: Any) -> None:
        """Write a row that nobody waits for: what was done is done."""
        try:
            self._write(outcome, **more)
        except PushguideError as err:
            log.error(
                "The audit lacks that %s by %s is %s: %s", self.what, self.caller, outcome, err
            )

    def _write(
        self, outcome: str, after: dict[str, Any] | None = None, reason: str | None = None
    ) -> None:
        module, environment = self.place or (None, None)
        given = self.arguments.get("reason")
        self.database.write(
            lambda connection: audit.append(
                connection,
                person=(self.caller.name or "")[:128],
                via=self.caller.via,
                role=self.role,
                what=self.what,
                module=module[:64] if module else None,
                environment=environment[:64] if environment else None,
                outcome=outcome,
                arguments=self.arguments,
                before=self.before,
                after=after,
                reason=reason or (str(given) if given is not None else None),
            )
        )


def _short(value: object) -> Any:
    """A value as plain data of no great length."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key)[:64]: _short(one) for key, one in [*value.items()][:50]}
    if isinstance(value, (list, tuple)):
        return [_short(one) for one in value[:50]]
    return str(value)[:_TEXT_AT_MOST]
