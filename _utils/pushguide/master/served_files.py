"""What minions sync and orchestrations render, written into a directory of file_roots.

A master that has pushguide by pip has all of it, but not where Salt's file server looks. Written
by the master's own version, the files never differ from it.
"""

from __future__ import annotations

import os
import shutil

from pushguide import loader
from pushguide.errors import PushguideError, Refused

#: What of the package minions need; the master's own side stays on the master.
_HOST_SIDE = (
    "__init__.py",
    "address.py",
    "credential.py",
    "errors.py",
    "index.py",
    "inflate.py",
    "measure.py",
    "share.py",
    "words.py",
    "standards",
    "host",
)
_MASTER_SIDE = ("master/__init__.py", "master/door.py", "master/pace.py")


def write_files(directory: str) -> str:
    """Write ``_modules``, ``_states``, ``_utils/pushguide`` and ``orch`` into a directory.

    Args:
        directory: the directory, absolute; it is made if it is not there. What else lies in it
            stays.

    Returns:
        The directory.

    Raises:
        Refused: the path is not absolute.
        PushguideError: it cannot be written.
    """
    if not os.path.isabs(directory):
        raise Refused(f"files is {directory!r}: give an absolute path, in one of file_roots.")
    package = os.path.dirname(os.path.abspath(loader.__file__))
    if os.path.realpath(os.path.join(directory, "_utils", "pushguide")) == os.path.realpath(
        package
    ):
        raise Refused(f"{directory} is where pushguide runs from: it serves its files already.")
    try:
        for kind in ("modules", "states"):
            _copy_folder(loader.dirs()[kind][0], os.path.join(directory, f"_{kind}"))
        _copy_folder(loader.orchestrations(), os.path.join(directory, "orch"))
        _copy_package(package, os.path.join(directory, "_utils", "pushguide"))
    except OSError as err:
        raise PushguideError(
            f"Writing pushguide's files into {directory} failed: {err}. Make it writable for the "
            "user of the master."
        ) from err
    return directory


def _copy_folder(source: str, target: str) -> None:
    """Copy our own files of a folder; those of others stay as they are."""
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(source):
        path = os.path.join(source, name)
        if os.path.isfile(path) and name.endswith((".py", ".sls")) and name != "__init__.py":
            shutil.copyfile(path, os.path.join(target, name))


def _copy_package(package: str, target: str) -> None:
    """Replace the package as a whole, so that no file of an older version is left in it."""
    new, old = f"{target}.new", f"{target}.old"
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    for name in (*_HOST_SIDE, *_MASTER_SIDE):
        source, copy = os.path.join(package, name), os.path.join(new, name)
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        if os.path.isdir(source):
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, copy)
    if os.path.isdir(target):
        os.rename(target, old)
    os.rename(new, target)
    shutil.rmtree(old, ignore_errors=True)
