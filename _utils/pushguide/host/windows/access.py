"""Access rights of a release on Windows, on top of what it inherits, through Salt's own modules.

They are given to the directory while it is empty: whatever is made in it inherits them. Salt's
``win_dacl.add_ace`` gives those of a directory to itself alone, so ``file.set_perms`` gives them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from salt.exceptions import CommandExecutionError

from pushguide.errors import StepFailed

#: The rights, as ``win_dacl`` names them; ``file.set_perms`` has the names of the template.
_NAMES = {
    "read": "READ",
    "read_execute": "READ&EXECUTE",
    "modify": "MODIFY",
    "full_control": "FULLCONTROL",
}
_WHERE = "FOLDER&SUBFOLDERS&FILES"


def demand_accounts(
    access: Sequence[Mapping[str, str]], directory: str, salt: Mapping[str, Any]
) -> None:
    """Refuse access rights that cannot be given here.

    Args:
        access: of each, ``account`` and ``rights``.
        directory: a directory that is there.
        salt: Salt's execution modules.

    Raises:
        StepFailed: this is no Windows, or there is no such account.
    """
    if os.name != "nt":
        raise StepFailed(
            "Giving access rights to accounts (unpacking:access) is for Windows alone: leave it "
            "out, or give the files to a user (unpacking:user)."
        )
    for one in access:
        found = salt["win_dacl.check_ace"](directory, "FILE", one["account"])
        if not found["result"]:
            raise StepFailed(
                f"There is no account {one['account']!r} on this host (unpacking:access): "
                f"{found['comment']} Make it once, with your configuration management, or correct "
                "the template; that of an application pool is there as long as the pool is."
            )


def give(access: Sequence[Mapping[str, str]], directory: str, salt: Mapping[str, Any]) -> None:
    """Give access rights to a directory and to what will be made in it, and read them back.

    Args:
        access: of each, ``account`` and ``rights``.
        directory: the directory, which is empty.
        salt: Salt's execution modules.

    Raises:
        StepFailed: they cannot be given, or are not there afterwards.
    """
    for account, rights in ((one["account"], one["rights"]) for one in access):
        told = f"Giving {account} the right to {rights} on {directory}"
        try:
            salt["file.set_perms"](directory, grant_perms={account: {"perms": rights}})
        except CommandExecutionError as err:
            raise StepFailed(f"{told} failed: {err}. The minion has to be its owner.") from err
        found = salt["win_dacl.check_ace"](
            directory, "FILE", account, _NAMES[rights], "ALLOW", _WHERE
        )
        if not found.get("Exists"):
            raise StepFailed(
                f"{told} is not there when it is read back: {found['comment'] or 'no such entry'}."
            )
