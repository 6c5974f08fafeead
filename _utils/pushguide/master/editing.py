"""Editing: templates that people keep in the database, and what there is to know of all of them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from pushguide.errors import Denied, Refused
from pushguide.master.arguments import (
    collected,
    demand_flag,
    demand_name,
    demand_number,
    demand_reason,
    optional_name,
)
from pushguide.master.parts import Parts
from pushguide.master.revision import Revision
from pushguide.master.roles import ADMIN, VIEWER, includes
from pushguide.master.store import history
from pushguide.master.store import templates as store
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates import schemas
from pushguide.master.templates.explaining import explained, in_full
from pushguide.master.templates.library import Library
from pushguide.master.templates.reading import Written, as_pillar, read

PILLAR, DATABASE = "pillar", "database"
_REVISIONS_AT_MOST = 1000


class Editing:
    """What can be done with templates.

    Args:
        parts: what they are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.database = parts.database
        self.gate = parts.gate

    # What changes something.

    def save(
        self, module: object, template: object, revision: object, reason: object, test: object
    ) -> dict[str, Any]:
        """Keep a template in the database: a new one, or a new revision.

        Raises:
            Refused: it is not right, somebody has changed it meanwhile, or the pillar has it.
            Denied: it changes who may do what, and the caller may not.
        """
        problems: list[str] = []
        name, is_test = demand_name(module, "module"), demand_flag(test, "test")
        why = collected(problems, lambda: demand_reason(reason))
        written = collected(problems, lambda: read(name, template))
        base = 0 if revision is None else demand_number(revision, "revision", at_least=0)
        if written:
            problems += self._problems(name, written.data)
        if problems:
            raise Refused(problems)
        assert written
        assert why
        if is_test:
            return self._tried(name, written, base)
        return self._append(name, written, base, why)

    def restore(self, module: object, revision: object, reason: object) -> dict[str, Any]:
        """Make an earlier revision the newest one again; a deleted template comes back by it."""
        name, why = demand_name(module, "module"), demand_reason(reason)
        found = self._revision(name, demand_number(revision, "revision"))
        if found.data is None or found.text is None:
            raise Refused(f"Revision {found.revision} of {name} deletes it: name another one.")
        problems = self._problems(name, found.data)
        if problems:
            raise Refused(problems)
        newest = self._newest(name)
        return self._append(name, Written(found.data, found.text), newest.revision, why)

    def delete(self, module: object, revision: object, reason: object) -> dict[str, Any]:
        """Delete a template. Its revisions stay, and so does what the record knows."""
        name, why = demand_name(module, "module"), demand_reason(reason)
        self._newest(name)
        base = demand_number(revision, "revision")
        return self._append(name, None, base, why)

    # What only answers.

    def overview(self, deleted: object) -> dict[str, Any]:
        """Every template that the caller may see: whose it is, and what is wrong with it."""
        sight = self.gate.sight(VIEWER)
        if demand_flag(deleted, "deleted"):
            gone = self.database.read(store.newest)
            return {
                name: one.told()
                for name, one in gone.items()
                if one.is_deleted and sight.sees(name) and name not in self._library.modules
            }
        found = self._library.overview()
        return {
            name: {**self._owner(name), "team": self._library.team_of(name), **one}
            for name, one in found.items()
            if sight.sees(name)
        }

    def show(
        self, module: object, environment: object, revision: object, explain: object, text: object
    ) -> dict[str, Any]:
        """A template: as it was written, and with an environment in full."""
        name, place = demand_name(module, "module"), optional_name(environment, "environment")
        is_explained, as_text = demand_flag(explain, "explain"), demand_flag(text, "text")
        if revision is not None:
            return self._shown(self._revision(name, demand_number(revision, "revision")), as_text)
        if name not in self._library.modules:
            self._library.get(name)  # which says so
        answer = {"module": name, **self._owner(name)}
        data = self._library.modules[name]
        if as_text and isinstance(data, Mapping):
            answer["text"] = as_pillar(name, data)
        elif not (place or is_explained):
            answer["template"] = data
        if place or is_explained:
            chosen = self._library.get(name, place)
            answer["environment"] = chosen.environment
            answer["in_full"] = in_full(chosen)
            if is_explained:
                answer["values"] = explained(chosen)
        return answer

    def validate(self, module: object, template: object) -> dict[str, Any]:
        """Look at a template as ``save`` would, and keep nothing."""
        name = demand_name(module, "module")
        written = read(name, template)
        problems = self._problems(name, written.data)
        return {"module": name, "problems": problems, "retcode": 1 if problems else 0}

    def diff(
        self, module: object, revision: object, with_revision: object, template: object
    ) -> dict[str, Any]:
        """What differs between two revisions, or between one and a template that is given."""
        name = demand_name(module, "module")
        newest = self._newest(name)
        if template is not None and with_revision is not None:
            raise Refused("Give either with_revision or template.")
        base = newest.revision if revision is None else demand_number(revision, "revision")
        if template is not None:
            there, label = read(name, template).text, "given"
        else:
            other = newest.revision
            if with_revision is not None:
                other = demand_number(with_revision, "with_revision")
            elif revision is None:
                base = max(1, other - 1)
            there, label = self._revision(name, other).text or "", f"revision {other}"
        here = self._revision(name, base).text or ""
        return {
            "module": name,
            "from": f"revision {base}",
            "to": label,
            "difference": _difference(here, there, f"revision {base}", label),
        }

    def history(self, module: object, limit: object) -> list[dict[str, Any]]:
        """The revisions of a template in the database, the newest first."""
        name = demand_name(module, "module")
        at_most = min(demand_number(limit, "limit"), _REVISIONS_AT_MOST)
        found = self.database.read(lambda one: store.find(one, name, at_most))
        if not found:
            self._newest(name)  # which says why
        return [one.told() for one in found]

    def types(self, project_type: object) -> dict[str, Any]:
        """The project types, with the JSON Schema of their settings, and that of a template."""
        wanted = optional_name(project_type, "type")
        found = schemas.types(self.parts.opts)
        if wanted and wanted not in found:
            raise Refused(f"There is no project type {wanted!r}: {did_you_mean(wanted, found)}")
        chosen = {wanted: found[wanted]} if wanted else found
        return {"types": chosen, "template": schemas.of_template()}

    # How.

    @property
    def _library(self) -> Library:
        return self.gate.library

    def _problems(self, module: str, data: dict[str, Any]) -> list[str]:
        """Everything that keeps a template from being kept in the database."""
        told = ""
        if self.parts.config.self_service is None:
            told = (
                "There are no templates in the database: pushguide:self_service in the master's "
                "configuration has to say first what they may name."
            )
        elif module in self._library.of_pillar:
            told = (
                f"{module} has a template in the master's pillar (pushguide:modules:{module}), and "
                "one name has one owner: change it there, or take it out of there first."
            )
        return [told] if told else self._library.validate(module, data, is_saved=True)[2]

    def _tried(self, module: str, written: Written, base: int) -> dict[str, Any]:
        """What saving would change."""

        def work(connection: Connection) -> Revision | None:
            found = store.newest(connection, module).get(module)
            _demand_fresh(connection, module, found, base)
            return found

        found = self.database.read(work)
        self._demand_may(module, found, written.data)
        here = f"revision {found.revision}" if found else "nothing"
        text = (found.text if found else None) or ""
        return {
            "module": module,
            "test": True,
            "difference": _difference(text, written.text, here, "given"),
        }

    def _append(self, module: str, written: Written | None, base: int, why: str) -> dict[str, Any]:
        data, text = written or (None, None)

        def work(connection: Connection) -> tuple[Revision | None, Revision]:
            found = store.newest(connection, module).get(module)
            _demand_fresh(connection, module, found, base)
            self._demand_may(module, found, data)
            if data is None:
                self._demand_at_rest(connection, module)
            number = (found.revision if found else 0) + 1
            by = self.parts.user
            return found, store.append(connection, module, number, data, text, by, why)

        before, now = self.database.write(work)
        if before:
            self.parts.trail.note_before(revision=before.revision, saved_by=before.saved_by)
        return {"module": module, **now.told()}

    def _demand_may(
        self, module: str, found: Revision | None, data: Mapping[str, Any] | None
    ) -> None:
        """Refuse somebody who would give roles, or a module to a team, and may not."""
        before = (found.data if found else None) or {}
        if data is None:
            return
        is_moved = bool(before) and before.get("team") != data.get("team")
        if not is_moved and _people_in(before) == _people_in(data):
            return
        roles = [self.gate.role_on_whole(module)] if before else []
        if is_moved or not before:
            team = data.get("team")
            roles.append(self.gate.role_on_team(team) if team else self.gate.role_on(None))
        if not all(includes(one, ADMIN) for one in roles):
            raise Denied(
                f"This was refused: it changes the people or the team of {module}, and that takes "
                f"the role {ADMIN} there, for it gives roles."
            )

    @staticmethod
    def _demand_at_rest(connection: Connection, module: str) -> None:
        under_way = [one for one in history.unfinished(connection) if one.module == module]
        if under_way:
            named = ", ".join(f"#{one.id} ({one.state})" for one in under_way)
            raise Refused(f"{module} has deployments that have not ended: {named}.")

    def _newest(self, module: str) -> Revision:
        found = self.database.read(lambda one: store.newest(one, module)).get(module)
        if found is not None:
            return found
        if module in self._library.of_pillar:
            raise Refused(
                f"The template of {module} stands in the master's pillar "
                f"(pushguide:modules:{module}): what keeps that keeps its history, too."
            )
        known = did_you_mean(module, self._library.saved)
        raise Refused(f"There is no template of {module!r} in the database: {known}")

    def _revision(self, module: str, number: int) -> Revision:
        found = self.database.read(lambda one: store.look(one, module, number))
        if found is None:
            newest = self._newest(module)
            raise Refused(
                f"{module} has no revision {number}: the newest is {newest.revision}. See salt-run "
                f"pushguide.template_history {module}."
            )
        return found

    def _owner(self, module: str) -> dict[str, Any]:
        saved = self._library.saved.get(module)
        if saved is None or module in self._library.of_pillar:
            return {"owner": PILLAR}
        return {"owner": DATABASE, **saved.told()}

    @staticmethod
    def _shown(found: Revision, as_text: bool) -> dict[str, Any]:
        answer = {"module": found.module, "owner": DATABASE, **found.told()}
        if found.data is None:
            return answer
        if as_text:
            return {**answer, "text": as_pillar(found.module, found.data)}
        return {**answer, "template": found.data}


def _people_in(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a template says of people, in all and by environment; without what says nothing."""
    environments = data.get("environments")
    environments = environments if isinstance(environments, Mapping) else {}
    places = {"": data, **environments}
    found = {name: one.get("people") for name, one in places.items() if isinstance(one, Mapping)}
    return {name: people for name, people in found.items() if people}


def _difference(before: str, after: str, before_is: str, after_is: str) -> str:
    """What differs between two templates, as ``diff -u`` tells it; empty if nothing does."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), before_is, after_is, lineterm=""
    )
    return "\n".join(lines)


def _demand_fresh(connection: Connection, module: str, found: Revision | None, base: int) -> None:
    """Refuse an edit that began with another revision than the newest one."""
    newest = found.revision if found and not found.is_deleted else 0
    if base == newest or (found and base == found.revision):
        return
    if not found:
        raise Refused(
            f"{module} has no template in the database, and revision is {base}: leave out "
            "revision for a new one."
        )
    if base == 0:
        raise Refused(
            f"{module} has a template already ({found}): to change it give "
            f"revision={found.revision}."
        )
    known = store.look(connection, module, base)
    told = f"{module} has been changed meanwhile: it is at {found}, and yours began with {base}"
    if known is None:
        raise Refused(f"{told}, which there never was.")
    labels = (f"revision {base}", f"revision {found.revision}")
    raise Refused(
        f"{told}. What has changed since:\n"
        + _difference(known.text or "", found.text or "", *labels)
    )
