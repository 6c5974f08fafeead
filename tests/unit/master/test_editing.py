"""Templates in the database: who saves what, and what becomes of two who do at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pushguide.errors import Denied, Refused
from pushguide.master.desk import Desk
from pushguide.master.parts import Parts
from pushguide.master.store import audit, grants, record
from pushguide.master.store import templates as store
from pushguide.master.store.database import Database
from pushguide.master.templates.library import Library
from pushguide.master.templates.reading import as_pillar
from tests.docs.pages import RUNNER
from tests.unit.master.conftest import make_plan

TEXT = """\
# The shop's pages.
type: static_site
team: web
root: /srv/shop
source: {directory: /srv/artifacts, url: salt://artifacts}
environments:
  production: {hosts: web*}
"""
DATA: dict[str, Any] = yaml.safe_load(TEXT)
IN_PILLAR = {"till": {**DATA, "team": "stores"}}
SELF_SERVICE = {"hosts": ["web*"], "directories": ["/srv"], "servers": ["salt://artifacts"]}

As = Callable[..., Desk]


@pytest.fixture
def desk(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> As:
    """A desk for somebody; root if nobody is named."""
    pillar: dict[str, Any] = {
        "modules": IN_PILLAR,
        "teams": {
            name: {"people": {"maintainer": ["mia"], "admin": ["ada"], "viewer": ["vic"]}}
            for name in ("web",)
        }
        | {"stores": {"people": {"admin": ["ann"]}}},
    }
    opts = {
        "id": "m_master",
        "extension_modules": "",
        "user": "salt",
        "conf_file": str(tmp_path / "master"),
        "cachedir": str(tmp_path / "cache"),
        "pushguide": {
            "database": database.url.render_as_string(hide_password=False),
            "self_service": SELF_SERVICE,
        },
    }

    def library(_: Parts) -> Library:
        return Library(opts, saved=lambda: database.read(store.newest), **pillar)

    monkeypatch.setattr(Parts, "library", library)
    (tmp_path / "master").write_text("user: salt\n")

    def of(person: str = "ada", **more: Any) -> Desk:
        return Desk({**opts, **more}, {}, person)

    return of


def save(desk: Desk, module: str = "shop", template: object = TEXT, **more: Any) -> dict[str, Any]:
    asked = {"revision": None, "reason": "because", "test": False, **more}
    about = {"module": module, "template": template}
    answer: dict[str, Any] = desk.serve(
        "template_save",
        about,
        lambda one: one.editing.save(
            module, template, asked["revision"], asked["reason"], asked["test"]
        ),
    )
    return answer


def changed(**changes: Any) -> dict[str, Any]:
    return {**DATA, **changes}


def test_a_template_that_was_saved_is_one_like_any_other(desk: As) -> None:
    done = save(desk())
    assert (done["revision"], done["saved_by"], done["deleted"]) == (1, "ada", False)
    now = desk("root", fun="pushguide.x")
    assert now.gate.library.get("shop").template.root == "/srv/shop"
    listed = now.editing.overview(deleted=False)
    assert (listed["shop"]["owner"], listed["shop"]["revision"]) == ("database", 1)
    assert (listed["till"]["owner"], listed["till"]["team"]) == ("pillar", "stores")
    assert now.questions.modules()["shop"]["type"] == "static_site"


def test_what_was_written_is_kept_with_its_comments(desk: As) -> None:
    save(desk())
    save(desk(), template=changed(keep_releases=2), revision=1)
    told = desk().editing.diff("shop", 1, 2, None)
    assert "-# The shop's pages." in told["difference"]
    assert "+keep_releases: 2" in told["difference"]
    assert desk().editing.diff("shop", None, None, None) == told
    given = desk().editing.diff("shop", None, None, changed(keep_releases=5))
    assert given["to"] == "given"
    assert "+keep_releases: 5" in given["difference"]


def test_what_salt_keeps_in_mappings_of_its_own_is_shown_as_text(desk: As) -> None:
    salts = OrderedDict(DATA, environments=OrderedDict(production=OrderedDict(hosts="web*")))
    assert yaml.safe_load(as_pillar("till", salts)) == {"pushguide": {"modules": {"till": DATA}}}


def test_an_export_is_imported_again(desk: As) -> None:
    save(desk())
    text = desk().editing.show("shop", None, None, explain=False, text=True)["text"]
    assert yaml.safe_load(text) == {"pushguide": {"modules": {"shop": DATA}}}
    done = save(desk(), template=text, revision=1)
    assert done["revision"] == 2
    shown = desk().editing.show("shop", None, None, explain=False, text=False)
    assert shown["template"] == DATA
    with pytest.raises(Refused, match=r"template is that of 'shop', and module is 'other'\."):
        save(desk(), "other", text)


def test_who_began_with_an_older_revision_is_refused_with_the_difference(desk: As) -> None:
    save(desk())
    save(desk(), template=changed(keep_releases=2), revision=1)
    with pytest.raises(Refused) as refusal:
        save(desk(), template=changed(keep_releases=9), revision=1)
    told = str(refusal.value)
    assert "it is at revision 2, saved by ada at" in told
    assert "yours began with 1. What has changed since:" in told
    assert "+keep_releases: 2" in told
    with pytest.raises(Refused, match=r"has a template already .* give revision=2\."):
        save(desk(), template=changed(keep_releases=9))
    assert desk().gate.library.get("shop").template.keep_releases == 2


def test_of_two_who_save_at_a_time_one_is_refused(desk: As) -> None:
    save(desk())
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def edit(number: int) -> None:
        mine = desk()
        ready.wait(10)
        try:
            save(mine, template=changed(keep_releases=number), revision=1)
            outcomes.append("saved")
        except Refused as err:
            outcomes.append("refused" if "changed meanwhile" in str(err) else str(err))

    threads = [threading.Thread(target=edit, args=[number]) for number in range(2, 6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == ["refused", "refused", "refused", "saved"]
    assert [one["revision"] for one in desk().editing.history("shop", 20)] == [2, 1]


def test_all_problems_are_told_and_nothing_is_kept(desk: As) -> None:
    wrong = changed(root="/etc", keep_releases=0, colour="red")
    with pytest.raises(Refused) as refusal:
        save(desk(), template=wrong, reason=None)
    told = refusal.value.problems
    assert any("reason is missing" in one for one in told)
    assert any(one.startswith("template of shop:keep_releases: ") for one in told)
    assert any(one.startswith("template of shop:colour: unknown key") for one in told)
    with pytest.raises(Refused, match=r"There is no template of 'shop' in the database"):
        desk().editing.history("shop", 20)
    checked = desk().editing.validate("shop", changed(root="/etc"))
    assert checked["retcode"] == 1
    assert "template of shop:root: '/etc' is not allowed" in checked["problems"][0]


def test_a_problem_of_the_rules_is_told_where_it_stands(desk: As) -> None:
    checked = desk().editing.validate("shop", changed(standards={"no-such-rule": "off"}))
    assert checked["problems"]
    assert all(one.startswith("template of shop:standards:") for one in checked["problems"])


def test_a_test_changes_nothing(desk: As) -> None:
    told = save(desk(), test=True)
    assert "+root: /srv/shop" in told["difference"]
    assert "shop" not in desk().gate.library.modules


def test_one_name_has_one_owner(desk: As, database: Database) -> None:
    with pytest.raises(Refused, match="The template of till stands in the master's pillar"):
        desk("root", fun="pushguide.x").editing.history("till", 20)
    with pytest.raises(Refused, match="one name has one owner: change it there"):
        save(desk("root", fun="pushguide.x"), "till", TEXT)
    # Somebody writes into the pillar what the database has.
    database.write(lambda one: store.append(one, "till", 1, DATA, TEXT, "x", "y"))
    with pytest.raises(Refused) as refusal:
        desk().gate.library.get("till")
    told = str(refusal.value)
    assert "pushguide:modules:till in the master's pillar" in told
    assert "revision 1, saved by x at" in told
    root = desk("root", fun="pushguide.x")
    assert root.questions.modules()["till"]["problems"]
    # The way out that it names is one.
    assert root.editing.delete("till", 1, "the pillar has it")["deleted"] is True
    assert desk().gate.library.get("till").template.root == "/srv/shop"


def test_a_deleted_one_comes_back(desk: As) -> None:
    save(desk())
    with pytest.raises(Refused, match="began with 3, which there never was"):
        desk().editing.delete("shop", 3, "x")
    done = desk().editing.delete("shop", 1, "closed")
    assert (done["revision"], done["deleted"]) == (2, True)
    assert "shop" not in desk().gate.library.modules
    root = desk("root", fun="pushguide.x")
    assert root.editing.overview(deleted=True)["shop"]["reason"] == "closed"
    done = root.editing.restore("shop", 1, "open again")
    assert done["revision"] == 3
    assert desk().gate.library.get("shop").template.root == "/srv/shop"
    with pytest.raises(Refused, match=r"Revision 2 of shop deletes it: name another one\."):
        desk().editing.restore("shop", 2, "x")
    with pytest.raises(Refused, match=r"shop has no revision 9: the newest is 3\."):
        desk().editing.restore("shop", 9, "x")


def test_what_is_under_way_keeps_its_template(desk: As, database: Database) -> None:
    save(desk())
    plan = make_plan(module="shop", environment="production")
    database.write(lambda one: record.create(one, plan, "x", "queued"))
    with pytest.raises(Refused, match=r"shop has deployments that have not ended: #1 \(queued\)"):
        desk().editing.delete("shop", 1, "x")


def test_what_salts_command_line_leaves_before_it_is_none_of_it(desk: As) -> None:
    assert save(desk(), template=f"template={TEXT}")["revision"] == 1
    assert desk().gate.library.get("shop").template.root == "/srv/shop"


# Who may.


def test_a_maintainer_of_a_team_makes_and_changes_its_modules(desk: As) -> None:
    assert save(desk("mia"))["revision"] == 1
    assert save(desk("mia"), template=changed(keep_releases=2), revision=1)["revision"] == 2


@pytest.mark.parametrize("person", ["vic", "nobody", "ann"])
def test_others_do_not(desk: As, person: str) -> None:
    with pytest.raises(Denied):
        save(desk(person))
    save(desk("mia"))
    with pytest.raises(Denied):
        save(desk(person), template=changed(keep_releases=2), revision=1)


@pytest.mark.parametrize(
    "template",
    [
        changed(people={"admin": ["mia"]}),
        changed(environments={"production": {"hosts": "web*", "people": {"admin": ["mia"]}}}),
        changed(team="stores"),
        {key: one for key, one in DATA.items() if key != "team"},
    ],
    ids=["people", "people of an environment", "another team", "no team"],
)
def test_a_maintainer_gives_no_roles(desk: As, template: dict[str, Any]) -> None:
    save(desk("mia"))
    with pytest.raises(Denied, match="changes the people or the team of shop"):
        save(desk("mia"), template=template, revision=1)
    assert desk().gate.library.team_of("shop") == "web"


def test_an_admin_does_on_both_sides(desk: As, database: Database) -> None:
    save(desk("mia"))
    assert save(desk("ada"), template=changed(people={"viewer": ["bob"]}), revision=1)
    with pytest.raises(Denied):
        save(desk("ada"), template=changed(team="stores"), revision=2)
    database.write(lambda one: grants.add(one, "team", "stores", "admin", "ada", "x", "y"))
    assert save(desk("ada"), template=changed(team="stores"), revision=2)["revision"] == 3


def test_a_new_module_with_people_takes_an_admin(desk: As) -> None:
    template = changed(people={"deployer": ["bob"]})
    with pytest.raises(Denied, match="changes the people or the team"):
        save(desk("mia"), template=template)
    assert save(desk("ada"), template=template)["revision"] == 1


def test_a_role_in_one_environment_is_none_on_the_template(desk: As) -> None:
    environments = {
        "test": {"hosts": "web1", "default": True, "people": {"maintainer": ["tim"]}},
        "production": {"hosts": "web2"},
    }
    save(desk("ada"), template=changed(environments=environments))
    with pytest.raises(Denied):
        save(desk("tim"), template=changed(keep_releases=2), revision=1)


def test_the_audit_has_the_revisions_and_no_template(desk: As, database: Database) -> None:
    save(desk("mia"))
    save(desk("mia"), template=changed(keep_releases=2), revision=1)
    found = database.read(lambda one: audit.find(one, limit=10))
    last = found[0]
    assert (last.person, last.what, last.module, last.outcome) == (
        "mia",
        "template_save",
        "shop",
        "done",
    )
    assert last.before == {"revision": 1, "saved_by": "mia"}
    assert last.after == {"revision": 2}
    assert all("template" not in one.arguments for one in found)


# What is no template.


@pytest.mark.parametrize(
    ("template", "told"),
    [
        (None, "template is NoneType: give a mapping, or YAML of one."),
        ("just words", "template is str: give a mapping"),
        ("a: [", "template is no YAML"),
        ("a: 1\na: 2", "template is no YAML"),
        ("a: &x 1\nb: *x", "template uses an alias"),
        ("a: !!python/object/apply:os.system ['id']", "template is no YAML"),
        ("x: " + "y" * 200_000, "characters long"),
        ({1: "x"}, "the key 1 is int: write it in quotes."),
        ({"since": b"x"}, "template:since: is bytes: write it in quotes."),
        ("pushguide: {modules: {a: {}, b: {}}}", "with one module alone"),
        ("pushguide: {modules: {shop: {}}, people: {}}", "with one module alone"),
    ],
)
def test_what_is_no_template_is_refused(desk: As, template: object, told: str) -> None:
    with pytest.raises(Refused) as refusal:
        save(desk("root", fun="pushguide.x"), template=template)
    assert told in str(refusal.value)


def test_without_the_masters_leave_there_are_none(desk: As) -> None:
    root = desk("root", fun="pushguide.x")
    given = {**root.opts["pushguide"]}
    del given["self_service"]
    with pytest.raises(Refused, match="pushguide:self_service in the master's configuration has"):
        save(desk("root", fun="pushguide.x", pushguide=given))


def test_the_runner_takes_it_all(desk: As, monkeypatch: pytest.MonkeyPatch) -> None:
    opts = desk().opts
    for dunder, value in {
        "__user__": "ada",
        "__opts__": opts,
        "__salt__": {},
        "__context__": {},
    }.items():
        monkeypatch.setattr(RUNNER, dunder, value, raising=False)
    assert RUNNER.template_save("shop", TEXT, reason="new")["revision"] == 1
    assert RUNNER.template_show("shop")["template"] == DATA
    explained = RUNNER.template_show("shop", "production", explain=True)
    rows = {row["path"]: row["from"] for row in explained["values"]}
    assert rows["root"] == "template of shop"
    assert rows["hosts"] == "template of shop:environments:production"
    assert RUNNER.template_history("shop")[0]["reason"] == "new"
    assert RUNNER.template_validate("shop", TEXT) == {
        "module": "shop",
        "problems": [],
        "retcode": 0,
    }
    assert RUNNER.template_list()["shop"]["owner"] == "database"
    assert {*RUNNER.types("static_site")["types"]} == {"static_site"}
    told = RUNNER.types("static_sit")
    assert "did you mean static_site?" in told["problems"][0]
    told = RUNNER.template_show("shop", revison=1)
    assert told["problems"] == ["unknown argument 'revison': did you mean revision?"]
    assert RUNNER.template_restore("shop", 1, "again")["revision"] == 2
    assert RUNNER.template_diff("shop")["difference"] == ""
    assert RUNNER.template_delete("shop", 2, "closed")["deleted"] is True
