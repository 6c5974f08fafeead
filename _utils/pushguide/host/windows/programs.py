"""Programs below release directories, in the form of Windows."""

from __future__ import annotations

import ntpath


def release_of(program: str, executable: str) -> str:
    """The release directory that a program lies in.

    Args:
        program: the path of the program.
        executable: the same, below a release directory.

    Returns:
        The directory; that of the program itself where it is another one.
    """
    path, tail = ntpath.normpath(program), "\\" + ntpath.normpath(executable)
    if path.lower().endswith(tail.lower()):
        return path[: -len(tail)]
    return ntpath.dirname(path)
