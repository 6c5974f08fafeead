"""Check that this Python can make the virtual environments, and say what to install if not.

Usage: ``python3 tools/prerequisites.py``

Run as root on Debian or Ubuntu, it installs what is missing itself. Besides pip in a virtual
environment, a C compiler is needed: Salt 3008 requires timelib, which is published as source.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable

OLDEST = (3, 10)


def main() -> int:
    """Install or name what is missing, and return the exit status."""
    if sys.version_info < OLDEST:
        print(
            f"{sys.executable} is Python {sys.version.split()[0]}, and 3.10 or newer is needed:"
            " name one with make PYTHON=..."
        )
        return 1
    if missing() and can_install():
        install(missing().values())
    left = missing()
    for what, package in left.items():
        print(f"{sys.executable} lacks {what}: on Debian, apt-get install {package}")
    return 1 if left else 0


def missing() -> dict[str, str]:
    """Map each missing thing to the Debian package that brings it."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    found = {
        ("virtual environments (ensurepip)", "python3-venv"): importlib.util.find_spec("ensurepip"),
        ("a C compiler for Salt's timelib", "gcc libc6-dev"): shutil.which(compiler),
        ("its C headers (Python.h)", "python3-dev"): os.path.exists(header),
    }
    return {what: package for (what, package), there in found.items() if not there}


def can_install() -> bool:
    """Tell whether packages for this Python can be had by apt-get here."""
    of_the_system = os.path.realpath(sys.executable).startswith("/usr/bin/")
    return of_the_system and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Iterable[str]) -> None:
    """Install Debian packages."""
    names = [name for package in packages for name in package.split()]
    print(f"apt-get install {' '.join(names)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *names]):
        subprocess.run(
            ["apt-get", *command], env=environment, stdout=subprocess.DEVNULL, check=False
        )
    importlib.invalidate_caches()


if __name__ == "__main__":
    sys.exit(main())
