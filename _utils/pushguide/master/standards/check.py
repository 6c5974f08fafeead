"""The check: an artifact against the rules that hold for its module, read once at the most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import IO

from sqlalchemy.engine import Connection

from pushguide.errors import BadVersion, Refused
from pushguide.master.standards import reading
from pushguide.master.standards.verdict import Verdict, judge
from pushguide.master.store import standards as store
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now
from pushguide.master.templates.library import ModuleTemplate
from pushguide.share import Artifact
from pushguide.standards.checking import check
from pushguide.standards.kinds import Facts
from pushguide.standards.rules import Finding, Rule, digest_of

#: Opens an artifact as a seekable binary file.
Opener = Callable[[Artifact], AbstractContextManager[IO[bytes]]]


def of_artifact(
    database: Database, chosen: ModuleTemplate, artifact: Artifact, opener: Opener
) -> Verdict:
    """Check an artifact; one that was checked by the same rules before is not read again.

    Args:
        database: the record.
        chosen: the module's template.
        artifact: what is checked.
        opener: opens it.

    Raises:
        BadVersion: the artifact cannot be had.
    """
    facts = Facts(has_probe=bool(chosen.template.probe))
    settings = {key: chosen.settings.get(key) for key in ("unpack", "file_name")}
    digest = digest_of(chosen.rules, {**facts._asdict(), **settings})

    def look(connection: Connection) -> tuple[store.Result | None, Sequence[store.Waiver]]:
        result = store.found(connection, artifact.sha256, digest)
        is_clean = result is not None and not result.findings
        waivers = [] if is_clean else store.waivers(connection, chosen.module, now())
        return result, waivers

    result, waivers = database.read(look)
    if result is None:
        result = fresh = _read(chosen, artifact, opener, facts)
        place = (chosen.module, chosen.environment, artifact.version)
        database.write(lambda one: store.keep(one, place, artifact.sha256, digest, fresh))
    findings = _in_full(result.findings, chosen.rules)
    return judge(findings, waivers, now(), unseen=result.unseen, checked_at=result.checked_at)


def demand(verdict: Verdict, chosen: ModuleTemplate, version: str) -> None:
    """Refuse an artifact that is against the code standards.

    Raises:
        Refused: naming every error that is not waived.
    """
    if verdict.errors:
        raise Refused(verdict.refusal(f"{chosen.module} {version}", chosen.module))


def _read(chosen: ModuleTemplate, artifact: Artifact, opener: Opener, facts: Facts) -> store.Result:
    try:
        with opener(artifact) as handle:
            listing = reading.of_artifact(handle, artifact.name, chosen.settings, chosen.rules)
    except OSError as err:
        raise BadVersion(
            f"Checking the artifact {artifact.name} of {chosen.module} {artifact.version} failed: "
            f"{err}. May the master read it where its source has it?"
        ) from err
    findings = check(chosen.rules, listing, facts)
    told = [[one.rule, one.level, one.path, one.what] for one in findings]
    return store.Result(told, sorted(listing.unseen), now())


def _in_full(findings: Sequence[Sequence[str]], rules: Sequence[Rule]) -> list[Finding]:
    """Findings of the record, with what their rules say."""
    by_name = {one.name: one for one in rules}
    return [
        Finding(rule, level, path, what, by_name[rule].reason, by_name[rule].mend)
        for rule, level, path, what in findings
        if rule in by_name
    ]
