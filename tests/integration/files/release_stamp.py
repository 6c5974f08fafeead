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
