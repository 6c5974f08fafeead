"""Who calls: Salt says so, and what it says depends on the way in.

Salt's ``__user__`` is the authenticated name through salt-api, and the operating system's on the
command line. Within an orchestration it may be lost: there Salt leaves the name of who began the
orchestration in ``opts['user']``, where the name of the master's own user stands otherwise.

Source: Salt 3008, ``salt/runners/state.py`` (orchestrate), ``salt/client/mixins.py`` (low),
``salt/utils/reactor.py`` (ReactWrap).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import salt.config
import salt.utils.user

CLI = "cli"
API = "api"
ORCHESTRATION = "orchestration"
REACTOR = "reactor"

#: What Salt calls somebody whom it does not know.
_NOBODY = (None, "", "UNKNOWN")
_REACTOR = "Reactor"


@dataclass(frozen=True)
class Caller:
    """Who calls.

    Attributes:
        name: the person, None if nobody knows.
        via: the way in.
        owns_master: whether it is the user that the master runs as, or root, at its command line:
            such a one has everything in hands, and may do everything.
    """

    name: str | None
    via: str
    owns_master: bool = False

    def __str__(self) -> str:
        return self.name or "nobody"


def caller_of(user: object, opts: Mapping[str, Any]) -> Caller:
    """Find out who calls.

    Args:
        user: ``__user__`` of the runner, read before anything else is called.
        opts: the runner's opts.
    """
    if opts.get("fun"):  # only salt-run itself puts it there
        return _on_command_line(opts)
    if user == _REACTOR:
        return Caller(_REACTOR, REACTOR)
    began = opts.get("user")
    if user not in _NOBODY and user != began:
        return Caller(str(user), API)
    if began in _NOBODY or began == own_user(opts):
        return Caller(None, ORCHESTRATION) if user in _NOBODY else Caller(str(user), API)
    return Caller(str(began), ORCHESTRATION)


def _on_command_line(opts: Mapping[str, Any]) -> Caller:
    """The person at the command line; who became root by sudo is still that person.

    Salt leaves root's rights for those of the master's own user early, and forgets sudo with them.
    """
    name = salt.utils.user.get_user()
    owns_master = name == "root" or name == own_user(opts)
    person = os.environ.get("SUDO_USER")
    if owns_master and person and person != "root":
        return Caller(person, CLI)
    return Caller(name, CLI, owns_master)


def own_user(opts: Mapping[str, Any]) -> str:
    """The user that the master runs as, by its configuration: opts may name somebody else."""
    return _configured_user(str(opts["conf_file"]))


@functools.cache
def _configured_user(conf_file: str) -> str:
    configured: Mapping[str, Any] = salt.config.master_config(conf_file)
    return str(configured["user"])
