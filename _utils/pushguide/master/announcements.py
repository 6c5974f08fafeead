"""Announcements: CI says what it has built, and a template may want that deployed at once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pushguide.errors import PushguideError, Refused, problems_of
from pushguide.master import summary, versions
from pushguide.master.arguments import (
    collected,
    demand_name,
    optional_past,
    optional_text,
    problems_of_unknown,
)
from pushguide.master.deployments import Deployments, Options
from pushguide.master.fields import NAME_PATTERN
from pushguide.master.parts import Parts
from pushguide.master.sources.base import SHA256
from pushguide.master.store import builds
from pushguide.master.store.builds import Build
from pushguide.master.store.tables import now
from pushguide.master.templates.library import Library

log = logging.getLogger(__name__)

_TAG = "pushguide/build"
_SAID = ("sha256", "author", "commit", "notes", "built")


class Announcements:
    """What CI announces.

    Args:
        parts: what they are made of.
        deployments: who begins those that templates want.
    """

    def __init__(self, parts: Parts, deployments: Deployments) -> None:
        self.parts = parts
        self.database = parts.database
        self.deployments = deployments

    def announce(self, module: object, version: object, **said: object) -> dict[str, Any]:
        """Keep an announcement, begin what the template wants, and tell machines of both.

        Args:
            module: the module.
            version: its version.
            said: sha256, author, commit, notes and built, as CI gives them; others are refused.

        Returns:
            What is known of the build; ``new``; the ``deployment`` that it has begun; where that
            was refused ``problems`` and ``retcode`` 1, and the announcement is kept.

        Raises:
            Refused: the announcement is not right, or there is no such module.
        """
        try:
            library = self.parts.library()
            build = self._read(library, module, version, said)
            known, is_new = self.database.write(lambda one: builds.announce(one, build))
        except PushguideError as err:
            # CI that came by a hook hears nothing: the log and the bus have to say it.
            problems = problems_of(err)
            log.error("An announced build was refused: %s", " ".join(problems))
            self._tell({"module": module, "version": version, "problems": problems})
            raise
        answer = {**summary.of_build(known), "new": is_new, "problems": []}
        answer.update(self._deploy(library, known))
        self._tell(answer)
        return answer

    def _read(
        self, library: Library, module: object, version: object, said: Mapping[str, object]
    ) -> Build:
        """The announcement, checked; every problem is told at once."""
        problems = problems_of_unknown(("module", "version", *_SAID), {*said} - {*_SAID})
        name = collected(problems, lambda: _known(library, module))
        label = collected(problems, lambda: _label(version))
        author = collected(problems, lambda: _text(said.get("author"), "author", 255))
        commit = collected(problems, lambda: _text(said.get("commit"), "commit", 64))
        notes = collected(problems, lambda: _text(said.get("notes"), "notes", 1000))
        digest = collected(problems, lambda: _digest(said.get("sha256")))
        built = collected(problems, lambda: optional_past(said.get("built"), "built"))
        if problems:
            raise Refused(problems)
        assert name
        assert label
        user = self.parts.user[:128]
        return Build(name, label, user, now(), built, author, commit, notes, digest)

    def _deploy(self, library: Library, build: Build) -> dict[str, Any]:
        """Begin what the template wants; an announcement that has begun one begins no other."""
        wanted = library.get(build.module).template.deploy_on_build
        if wanted is None or build.deployment_id is not None:
            return {}
        options = Options(wait=False)
        try:
            begun = self.deployments.start("deploy", build.module, build.version, wanted, options)
        except PushguideError as err:
            problems = problems_of(err)
            log.error("%s %s was not deployed: %s", build.module, build.version, " ".join(problems))
            return {"problems": problems, "retcode": 1}
        number: int = begun["deployment"]
        self.database.write(lambda one: builds.begun(one, build.module, build.version, number))
        return {"deployment": number, "state": begun["state"], "environment": wanted}

    def _tell(self, told: dict[str, Any]) -> None:
        """Tell machines; a tag has the module's name if it is one."""
        name = told["module"]
        is_name = isinstance(name, str) and NAME_PATTERN.match(name)
        with self.parts.hosts() as hosts:
            hosts.fire(told, f"{_TAG}/{name}" if is_name else _TAG)


def _known(library: Library, module: object) -> str:
    name = demand_name(module, "module")
    library.get(name)
    return name


def _label(version: object) -> str:
    """A label: a number may have lost what CI wrote (1.10 is 1.1)."""
    if version is None:
        raise Refused("version is missing: give it, such as version=1.4.2.")
    if not isinstance(version, str):
        raise Refused(f"version is {version!r}: send it as text, such as '1.10' in quotes.")
    return versions.demand_label(version)


def _text(value: object, what: str, at_most: int) -> str | None:
    text = optional_text(value, what)
    if text and len(text) > at_most:
        raise Refused(f"{what} is {text[:80]!r}: give {at_most} characters at the most.")
    return text


def _digest(value: object) -> str | None:
    if value is None:
        return None
    text = str(value).lower()
    if not SHA256.fullmatch(text):
        raise Refused(f"sha256 is {text[:80]!r}: give 64 hexadecimal digits, or leave it out.")
    return text
