"""Giving a release to the user that it belongs to."""

from __future__ import annotations

import os
from typing import Any

from pushguide.errors import StepFailed


def demand_user(name: str) -> None:
    """Refuse a user that files cannot be given to.

    Args:
        name: the user.

    Raises:
        StepFailed: there is no such user here, or the minion may not give files away.
    """
    if os.name == "nt":
        raise StepFailed(
            f"Unpacking as {name} is not possible on Windows: files inherit the rights of their "
            "directory. Set the rights of the root, or give some (unpacking:access), and leave out "
            "unpacking:user."
        )
    user = _user_of(name)
    if os.geteuid() not in (0, user.pw_uid):
        raise StepFailed(
            f"Giving files to {name} (unpacking:user) needs a minion that runs as root; this one "
            f"runs as user id {os.geteuid()}."
        )


def give_to(name: str, top: str) -> None:
    """Give a tree to a user, links as links; a directory comes after everything in it.

    Until then it all belongs to who made it: the user cannot put a link in the way.

    Args:
        name: the user; the group is the user's own.
        top: the directory.

    Raises:
        OSError: it cannot be given.
        StepFailed: there is no such user.
    """
    user = _user_of(name)
    for _, directories, files, descriptor in os.fwalk(top, topdown=False):
        for one in (*files, *directories):
            os.chown(one, user.pw_uid, user.pw_gid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(top, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _user_of(name: str) -> Any:
    import pwd

    try:
        return pwd.getpwnam(name)
    except KeyError as err:
        raise StepFailed(
            f"There is no user {name!r} on this host (unpacking:user): let your configuration "
            "management make it, or correct the template."
        ) from err
