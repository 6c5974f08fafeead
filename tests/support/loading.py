"""What Salt's loaders find of pushguide, in a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

LOAD = """
import inspect, json, os, sys
import salt.config, salt.loader

top, module_dirs = sys.argv[1], json.loads(sys.argv[2])
where = {
    "root_dir": top, "cachedir": os.path.join(top, "cache"), "module_dirs": module_dirs,
    "extension_modules": os.path.join(top, "extmods"), "enable_fqdns_grains": False,
}
minion = {**salt.config.DEFAULT_MINION_OPTS.copy(), **where, "id": "w1"}
minion["grains"] = {"id": "w1"}
master = {**salt.config.DEFAULT_MASTER_OPTS.copy(), **where, "id": "xyz_master"}
utils = salt.loader.utils(minion)
functions = salt.loader.minion_mods(minion, utils=utils)
loaders = {
    "modules": functions,
    "states": salt.loader.states(minion, functions, utils, None),
    "runners": salt.loader.runner(master, utils=salt.loader.utils(master)),
    "returners": salt.loader.returners(master, {}),
    "pillar": salt.loader.pillars(master, {}),
}
found = {
    kind: {
        name: inspect.getsourcefile(inspect.unwrap(loader[name]))
        for name in loader
        if name.split(".")[0] == "pushguide" or name.startswith("pushguide_")
    }
    for kind, loader in loaders.items()
}
answer = loaders["modules"]["pushguide.inspect"]("shop") if found["modules"] else None
print(json.dumps({"found": found, "answer": answer}))
"""


def load(python: Path, top: Path, module_dirs: list[str], **environment: str) -> dict[str, Any]:
    """Load everything in a process of its own.

    Args:
        python: its interpreter.
        top: a directory of its own.
        module_dirs: the option of that name.
        environment: its variables.

    Returns:
        ``found``: by loader and function the file that it came from; ``answer``: what
        pushguide.inspect says.
    """
    done = subprocess.run(
        [python, "-c", LOAD, str(top), json.dumps(module_dirs)],
        capture_output=True,
        text=True,
        check=False,
        cwd=top,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
