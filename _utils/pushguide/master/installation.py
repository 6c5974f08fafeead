"""Set pushguide up on this master, and say what is still missing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import salt.utils.extmods

from pushguide import __version__, loader
from pushguide.errors import PushguideError, Refused
from pushguide.master.config import Config
from pushguide.master.served_files import write_files
from pushguide.master.store import templates
from pushguide.master.store.database import Database
from pushguide.master.store.schema import migrate
from pushguide.master.store.tables import SCHEMA
from pushguide.master.templates import project_types
from pushguide.master.templates.library import Library


def setup(
    opts: Mapping[str, Any], salt_functions: Mapping[str, Any], files: str | None
) -> dict[str, Any]:
    """Create or migrate the database, sync the teams' project types, check the configuration.

    Args:
        opts: the master's opts.
        salt_functions: the runner's ``__salt__``.
        files: a directory of file_roots to write what minions sync into; none is written
            otherwise.

    Returns:
        What is there, ``missing``: one sentence for each thing that has to be mended, and
        ``warnings``: one for each that lets people do more than they should.
    """
    config = Config.from_opts(opts)
    database = Database.at(config.database)
    written = None
    if files:
        written = write_files(_served_directory(opts, files))
        salt_functions["fileserver.clear_file_list_cache"]()
    before, after = migrate(database)
    synced, _ = salt.utils.extmods.sync(dict(opts), project_types.FORM)
    missing = [*_missing(opts, salt_functions, database), *_bad_addresses(config)]
    return {
        "pushguide": __version__,
        "database": database.name,
        "schema": {"before": before, "now": after, "newest": SCHEMA},
        "project_types": project_types.names(opts),
        "synced_project_types": synced,
        "files": written,
        "console": loader.console(),
        "missing": missing,
        "warnings": list(_warnings(opts)),
        "retcode": 1 if missing else 0,
    }


def _served_directory(opts: Mapping[str, Any], directory: str) -> str:
    """Refuse a directory that the master's file server does not serve."""
    roots = [root for some in (opts.get("file_roots") or {}).values() for root in some]
    real = os.path.realpath(directory)
    if not any(real == os.path.realpath(one) for one in roots):
        raise Refused(
            f"files is {directory!r}: give one of the master's file_roots ({', '.join(roots)})."
        )
    return directory


def _missing(
    opts: Mapping[str, Any], salt_functions: Mapping[str, Any], database: Database
) -> Iterator[str]:
    """What has to be mended before a deployment can work."""
    yield from missing_orchestration(opts, salt_functions)
    try:
        modules = Library(opts, saved=lambda: database.read(templates.newest)).overview()
    except PushguideError as err:
        yield str(err)
        return
    if not modules:
        yield (
            f"The master's pillar has no modules: give the minion id {opts['id']!r} a pillar with "
            "pushguide:modules (see pillar_example/)."
        )
    for one in modules.values():
        yield from one.get("problems", ())


def _bad_addresses(config: Config) -> Iterator[str]:
    """The addresses of notifications that Apprise does not take."""
    if config.notifications is None:
        return
    from pushguide.master.notifications import sending  # Apprise: nothing else needs it

    yield from sending.problems_of(config.notifications)


def missing_orchestration(
    opts: Mapping[str, Any], salt_functions: Mapping[str, Any]
) -> Iterator[str]:
    """The orchestration files that the master's file server does not have."""
    found = salt_functions["fileserver.file_list"](saltenv="base")
    for name in ("orch/deploy.sls", "orch/rollback.sls"):
        if name not in found:
            yield (
                f"The master's file server has no {name}: let salt-run pushguide.setup "
                "files=<directory> write it into a directory of file_roots."
            )


def _warnings(opts: Mapping[str, Any]) -> Iterator[str]:
    """What of Salt's own configuration lets people do more than they should."""
    if opts.get("publisher_acl"):
        yield (
            "publisher_acl is set: whoever is in it may run any runner of this master. Use "
            "external_auth instead, and see docs/people.md."
        )
    yield from _of_console(opts.get("rest_cherrypy"))
    for eauth, people in (opts.get("external_auth") or {}).items():
        for person, rules in people.items() if isinstance(people, Mapping) else ():
            loose = sorted({*_loose(rules)})
            if loose:
                yield (
                    f"external_auth of {person} ({eauth}) allows whatever begins with "
                    f"{', '.join(loose)}: end each with a $."
                )


def _of_console(api: object) -> Iterator[str]:
    """What keeps the console from being served as it should."""
    given = api if isinstance(api, Mapping) else {}
    app, static = given.get("app"), given.get("static")
    console = loader.console()
    if console is None or not (app or static):
        return
    wanted = {"app": os.path.join(console, "index.html"), "static": console}
    for key, path in wanted.items():
        if os.path.realpath(str(given.get(key))) != os.path.realpath(path):
            yield f"rest_cherrypy:{key} is {given.get(key)!r}: for the console it has to be {path}."
    if given.get("disable_ssl"):
        yield (
            "rest_cherrypy:disable_ssl is set: passwords go over the network in the clear, and "
            "browsers give the console no events. Use ssl_crt and ssl_key."
        )


def _loose(rules: object) -> Iterator[str]:
    """The functions of pushguide that rules of eauth allow without an end to their names."""
    for rule in rules if isinstance(rules, list) else ():
        for what, functions in rule.items() if isinstance(rule, Mapping) else ():
            if str(what) == "@pushguide" and isinstance(functions, list):
                named = [next(iter(one)) if isinstance(one, Mapping) else one for one in functions]
                yield from (str(one) for one in named if not str(one).endswith(("$", "*")))
