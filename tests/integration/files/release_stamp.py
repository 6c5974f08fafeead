"""
What a team has its releases looked after with.
"""

import pathlib


def write(path, by, **about):
    """
    Write into a release which one it is.

    CLI Example:

    .. code-block:: bash

        salt web1 release_stamp.write /srv/shop/releases/1-1.partial by=web1 version=1
    """
    stamp = f"{by}: {about['module']} {about['version']} in {about['environment']}"
    pathlib.Path(path, "stamp").write_text(stamp, encoding="utf-8")


def note(path, word, **about):
    """
    Note beside the releases that a hook was run.

    CLI Example:

    .. code-block:: bash

        salt web1 release_stamp.note /srv/shop/releases/1-1 word=held version=1
    """
    with open(pathlib.Path(path).parents[1] / "hooks", "a", encoding="utf-8") as notes:
        notes.write(f"{word} {about['version']}\n")
