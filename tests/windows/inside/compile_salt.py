"""Have Python write what it compiled of Salt beside it, and of what Salt's minion imports."""

from __future__ import annotations

import compileall
import sys
from pathlib import Path

sys.path.insert(0, r"C:\lab")

import minion
import salt
import salt.cli.daemons
import salt.minion

minion.functions()["task.list_tasks"]()
compileall.compile_dir(Path(salt.__file__).parent, quiet=2)
