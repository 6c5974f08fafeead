"""How rules are laid over each other, and what findings come to."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import pytest
import sqlalchemy as sa

from pushguide.errors import BadTemplate, BadVersion, Refused
from pushguide.master.standards import check, hosts
from pushguide.master.standards.signatures import demand_signature
from pushguide.master.standards.verdict import judge
from pushguide.master.store import standards as store
from pushguide.master.store.database import Database
from pushguide.master.store.tables import now
from pushguide.master.templates.library import Library, ModuleTemplate
from pushguide.share import Artifact
from pushguide.standards.builtin import BUILT_IN
from pushguide.standards.rules import ERROR, WARNING, Finding, Rule

OWN = {
    "kind": "forbidden",
    "patterns": ["/test-data/"],
    "reason": "It is not for hosts.",
    "mend": "Leave it out.",
}


def library(tmp_path: Path, company: object = None, own: object = None, **template: Any) -> Library:
    """One module, shop, with what the company and the module say of the rules."""
    module = {
        "type": "static_site",
        "root": "/srv/shop",
        "source": {"directory": "/srv/artifacts", "url": "salt://artifacts"},
        "environments": {"production": {"hosts": "w*"}},
        "standards": own or {},
        **template,
    }
    opts = {"extension_modules": str(tmp_path), "id": "m_master"}
    return Library(opts, modules={"shop": module}, standards=company)


def rules(
    tmp_path: Path, company: object = None, own: object = None, **more: Any
) -> dict[str, Rule]:
    chosen = library(tmp_path, company, own, **more).get("shop")
    return {one.name: one for one in chosen.rules}


def test_the_built_in_rules_hold_where_nobody_says_otherwise(tmp_path: Path) -> None:
    assert [*rules(tmp_path)] == [one.name for one in BUILT_IN if one.holds_for("static_site")]


def test_a_later_layer_is_stronger(tmp_path: Path) -> None:
    company = {
        "rules": {
            "no-keystores": "error",
            "no-backups": {"level": False, "unless": ["*.orig"]},
            "max-files": {"at_most": 10},
            "no-test-data": OWN,
        },
        "types": {
            "static_site": {"no-backups": "error", "max-files": {"at_most": 20}},
            "service": {"max-files": {"at_most": 999}},
        },
    }
    own = {"max-files": {"at_most": 30}, "no-vcs": False, "no-test-data": {"level": "warning"}}
    found = rules(tmp_path, company, own)
    assert found["no-keystores"].level == ERROR
    assert (found["no-backups"].level, found["no-backups"].unless) == (ERROR, ("*.orig",))
    assert found["no-backups"].patterns  # what nobody speaks of stays
    assert found["max-files"].at_most == 30
    assert "no-vcs" not in found
    assert found["no-test-data"].level == WARNING
    assert found["no-test-data"].patterns == ("/test-data/",)


def test_an_environment_has_the_last_word(tmp_path: Path) -> None:
    environments = {
        "production": {"hosts": "w*", "default": True},
        "staging": {"hosts": "s*", "standards": {"no-vcs": "off"}},
    }
    one = library(tmp_path, own={"max-files": {"at_most": 7}}, environments=environments)
    production, staging = (
        {r.name: r for r in one.get("shop", name).rules} for name in environments
    )
    assert "no-vcs" in production
    assert "no-vcs" not in staging
    assert staging["max-files"].at_most == production["max-files"].at_most == 7
    assert {"no-vcs", "max-files"} <= one.rules_of("shop")


@pytest.mark.parametrize(
    "own",
    ["warning", False, {"patterns": ["*.x"]}, {"unless": ["a/"]}, {"level": "off", "mend": "x"}],
)
def test_a_locked_rule_is_not_lowered(tmp_path: Path, own: object) -> None:
    company = {"rules": {"no-logs": {"locked": True}}}
    with pytest.raises(BadTemplate, match=r"shop:standards:no-logs: the company has locked"):
        rules(tmp_path, company, {"no-logs": own})


def test_a_locked_rule_may_be_raised(tmp_path: Path) -> None:
    company = {"rules": {"no-backups": {"locked": True}, "no-logs": {"locked": True}}}
    found = rules(tmp_path, company, {"no-backups": "error", "no-logs": "error"})
    assert found["no-backups"].level == ERROR


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ({"no-lgs": "off"}, "no-lgs: there is no such rule; did you mean no-logs?"),
        ({"no-logs": {"levle": "off"}}, "no-logs:levle: unknown key; did you mean level?"),
        ({"no-logs": "sometimes"}, "no-logs:level: Input should be"),
        ({"no-logs": {"kind": "max_files"}}, "is of kind forbidden, which cannot be changed"),
        ({"no-logs": {"at_most": 3}}, "a rule of kind forbidden does not take at_most"),
        ({"no-logs": {"locked": True}}, "locked is for pushguide:standards:rules alone"),
        ({"no-logs": {"patterns": ["a\\\\b"]}}, "write '/' between the parts"),
        ({"no-logs": {"patterns": []}}, "a rule of kind forbidden needs patterns or look_into"),
        ({"No Logs": "off"}, "String should match pattern"),
        ({"mine": {**OWN, "reason": ""}}, "a rule of kind forbidden needs reason"),
        ({"mine": {"kind": "max_files"}}, "a rule of kind max_files needs at_most, reason, mend"),
        ({"mine": {**OWN, "look_into": ["*.x"]}}, "look_into and contains go together"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(
    tmp_path: Path, own: Mapping[str, Any], problem: str
) -> None:
    with pytest.raises(BadTemplate) as told:
        rules(tmp_path, None, own)
    assert "pushguide:modules:shop:standards:" in str(told.value)
    assert problem in str(told.value)
    assert problem in str(library(tmp_path, None, own).overview()["shop"]["problems"])


@pytest.mark.parametrize(
    ("company", "problem"),
    [
        ([], "pushguide:standards: is list, not a mapping"),
        ({"rule": {}}, "pushguide:standards:rule: unknown key; did you mean rules?"),
        ({"types": {"static": {}}}, "types:static: there is no such project type; did you mean"),
        ({"types": {"service": {"x": "off"}}}, "standards:types:service:x: there is no such rule"),
        ({"rules": {"x": "off"}}, "pushguide:standards:rules:x: there is no such rule"),
    ],
)
def test_what_is_wrong_with_the_companys_is_named(
    tmp_path: Path, company: object, problem: str
) -> None:
    with pytest.raises(BadTemplate) as told:
        rules(tmp_path, company)
    assert problem in str(told.value)


# Findings and waivers.


def waiver(**changes: Any) -> store.Waiver:
    moment = now()
    values: dict[str, Any] = {
        "id": 7,
        "module": "shop",
        "rule": "no-logs",
        "path": None,
        "reason": "a sample",
        "waived_by": "amy",
        "waived_at": moment,
        "until": moment + timedelta(days=1),
        "revoked_by": None,
        "revoked_at": None,
        "revoked_reason": None,
    }
    return store.Waiver(**{**values, **changes})


LOG = Finding("no-logs", ERROR, "lib/a.log", "is there", "why", "mend")


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"path": "lib/"}, True),
        ({"path": "*.log"}, True),
        ({"path": "lib/a.log"}, True),
        ({"path": "/a.log"}, False),
        ({"rule": "no-vcs"}, False),
        ({"until": now()}, False),
        ({"revoked_at": now(), "revoked_by": "bob"}, False),
    ],
)
def test_which_waivers_count(changes: dict[str, Any], counts: bool) -> None:
    verdict = judge([LOG], [waiver(**changes)], now())
    assert ([one for one, _ in verdict.waived], verdict.errors) == (
        ([LOG], []) if counts else ([], [LOG])
    )


def test_a_waiver_of_a_path_does_not_waive_the_whole() -> None:
    whole = LOG._replace(path="")
    assert judge([whole], [waiver(path="*")], now()).errors == [whole]
    assert judge([whole], [waiver()], now()).errors == []


def test_a_refusal_names_every_rule_and_the_way_out() -> None:
    many = [LOG._replace(path=f"{number}.log") for number in range(12)]
    verdict = judge([*many, LOG._replace(rule="no-vcs", path=".git")], [], now())
    logs, vcs = verdict.refusal("shop 1.2", "shop")
    assert logs.startswith("shop 1.2 is against the rule no-logs of the code standards: 0.log is")
    assert "; and 2 more (salt-run pushguide.check). why mend" in logs
    assert "salt-run pushguide.waive module=shop rule=no-vcs" in vcs


# The check.


class Opened:
    """An artifact that counts how often it is opened."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.times = 0

    def __call__(self, _artifact: Artifact) -> AbstractContextManager[IO[bytes]]:
        self.times += 1
        return io.BytesIO(self.content)


def archive(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for name in names:
            out.writestr(name, "x")
    return packed.getvalue()


ARTIFACT = Artifact("1.2", "salt://a/a.zip", "a.zip", "a" * 64, 10)
PROBE = {"url": "http://127.0.0.1/"}


def chosen_of(tmp_path: Path, **more: Any) -> ModuleTemplate:
    return library(tmp_path, **more).get("shop")


def test_an_artifact_is_read_once(database: Database, tmp_path: Path) -> None:
    opened = Opened(archive("index.html", "a.log"))
    chosen = chosen_of(tmp_path, probe=PROBE)
    first = check.of_artifact(database, chosen, ARTIFACT, opened)
    again = check.of_artifact(database, chosen, ARTIFACT, opened)
    assert (first.errors, first.checked_at) == (again.errors, again.checked_at)
    assert [(one.rule, one.path) for one in first.errors] == [("no-logs", "a.log")]
    assert first.errors[0].mend
    assert opened.times == 1
    # Other rules, or another artifact, are looked at anew.
    check.of_artifact(
        database, chosen_of(tmp_path, probe=PROBE, own={"no-vcs": "off"}), ARTIFACT, opened
    )
    check.of_artifact(database, chosen, ARTIFACT._replace(sha256="b" * 64), opened)
    assert opened.times == 3


def test_errors_refuse_unless_they_are_waived(database: Database, tmp_path: Path) -> None:
    opened, chosen = Opened(archive("index.html", "a.log")), chosen_of(tmp_path, probe=PROBE)
    with pytest.raises(Refused, match=r"shop 1\.2 is against the rule no-logs"):
        check.demand(check.of_artifact(database, chosen, ARTIFACT, opened), chosen, "1.2")
    until = now() + timedelta(days=1)
    database.write(lambda one: store.waive(one, "shop", "no-logs", None, until, "amy", "why"))
    verdict = check.of_artifact(database, chosen, ARTIFACT, opened)
    check.demand(verdict, chosen, "1.2")
    (told,) = verdict.to_dict()["waived"]
    assert (told["rule"], told["waived_by"], told["reason"]) == ("no-logs", "amy", "why")


def test_a_clean_artifact_costs_one_question_and_then_no_writing(
    database: Database, tmp_path: Path
) -> None:
    opened, chosen = Opened(archive("index.html")), chosen_of(tmp_path, probe=PROBE)
    said: list[str] = []
    sa.event.listen(
        database.engine,
        "before_cursor_execute",
        lambda _c, _k, sql, *_: said.append(sql.split()[0]),
    )
    database.read(lambda one: one.execute(sa.text("SELECT 1")))
    for wanted in (["SELECT", "SELECT", "INSERT"], ["SELECT"]):
        said.clear()
        assert not check.of_artifact(database, chosen, ARTIFACT, opened).errors
        assert [one for one in said if one in ("SELECT", "INSERT", "UPDATE", "DELETE")] == wanted


def test_what_does_not_read_is_refused(database: Database, tmp_path: Path) -> None:
    chosen = chosen_of(tmp_path)
    verdict = check.of_artifact(database, chosen, ARTIFACT, Opened(b"no archive"))
    assert [one.rule for one in verdict.errors] == ["readable"]

    def missing(_artifact: Artifact) -> Any:
        raise FileNotFoundError(2, "No such file")

    with pytest.raises(BadVersion, match=r"Checking the artifact a\.zip of shop 1\.2 failed"):
        check.of_artifact(database, chosen, ARTIFACT._replace(sha256="c" * 64), missing)


def test_what_hosts_answer() -> None:
    rule = next(one for one in BUILT_IN if one.name == "no-logs")
    answer = {
        "release": "1-1",
        "version": "1",
        "entries": 3,
        "complete": True,
        "count": 1,
        "findings": [["no-logs", ERROR, "a.log", "is there"]],
    }
    answers = {"w1": answer, "w2": None, "w4": "'pushguide.standards' is not available."}
    told = hosts.judged(answers, ["w1", "w2", "w3", "w4"], [rule], [])
    assert [one["path"] for one in told["w1"]["errors"]] == ["a.log"]
    assert told["w1"]["errors"][0]["mend"] == rule.mend
    assert "nothing of the module is live" in told["w2"]["problem"]
    assert "does not answer" in told["w3"]["problem"]
    assert "saltutil.sync_all" in told["w4"]["problem"]
    assert hosts.judged({"w1": answer}, ["w1"], [rule], [waiver()])["w1"]["errors"] == []


def test_the_rules_for_hosts_are_few_and_short() -> None:
    told = hosts.rules_for_hosts(BUILT_IN)
    names = {one["name"] for one in told}
    assert {"no-logs", "no-log-directory", "max-total-size", "max-files", "untouched"} <= names
    assert names.isdisjoint({"readable", "index-page", "script-encoding", "health-declared"})
    assert len(str(told)) < 3000


def test_a_signature_is_demanded_where_it_is_required(tmp_path: Path) -> None:
    wanted = {"signed_by": ["0123 4567 89ab CDEF 0123 4567 89AB CDEF 0123 4567"]}
    chosen = chosen_of(tmp_path, signature=wanted)
    assert chosen.template.signature
    assert chosen.template.signature.signed_by == ["0123456789ABCDEF0123456789ABCDEF01234567"]
    with pytest.raises(BadVersion, match=r"publish a\.zip\.asc or a\.zip\.sig beside it"):
        demand_signature(chosen, ARTIFACT)
    demand_signature(chosen, ARTIFACT._replace(signature="salt://a/a.zip.asc"))
    demand_signature(chosen, None)
    demand_signature(chosen_of(tmp_path, signature={**wanted, "required": False}), ARTIFACT)
    demand_signature(chosen_of(tmp_path), ARTIFACT)
    with pytest.raises(BadTemplate, match="give a whole fingerprint"):
        chosen_of(tmp_path, signature={"signed_by": ["89ABCDEF"]})
