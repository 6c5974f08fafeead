"""Run every measurement in this folder, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PARTS = ("__init__", "__main__", "artifacts", "figures", "cpu")

if __name__ == "__main__":
    names = sorted(one.stem for one in Path(__file__).parent.glob("*.py") if one.stem not in _PARTS)
    failed = []
    for name in names:
        words = [sys.executable, "-m", f"bench.{name}", *sys.argv[1:]]
        if subprocess.run(words, check=False).returncode:
            failed.append(name)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
