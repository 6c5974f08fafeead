"""A team's hook: notes beside the releases that it was run, and fails where a file says so."""

import os
import pathlib
import sys

path, word = sys.argv[1:]
root = pathlib.Path(path).parents[1]
with open(root / "hooks", "a", encoding="utf-8") as notes:
    notes.write(f"{word} {os.environ['PUSHGUIDE_VERSION']}\n")
if (root / f"fail {word}").exists():
    sys.exit(f"{word} was told to fail")
