"""Where the package's parts lie in the checkout; everything else stands in pyproject.toml.

The folders are those that Salt syncs to minions, so they cannot be laid out as a Python
package is: ``_utils/pushguide`` becomes ``pushguide``, ``_modules`` becomes
``pushguide.modules``, and so on. ``pushguide.loader`` tells Salt where they ended up.
"""

import os
import re

from setuptools import find_namespace_packages, setup

HERE = os.path.dirname(os.path.abspath(__file__))
CODE = "_utils/pushguide"
#: It is there once ``make console`` has built it.
CONSOLE = "web/dist"


def version():
    """Read ``__version__`` without importing the package, whose dependencies may be missing."""
    with open(os.path.join(HERE, CODE, "__init__.py"), encoding="utf-8") as file:
        return re.search(r'^__version__ = "([^"]+)"$', file.read(), re.MULTILINE).group(1)


def folders():
    """Map each package to its folder."""
    found = {"pushguide": CODE}
    for name in find_namespace_packages(os.path.join(HERE, CODE), exclude=["*__pycache__*"]):
        found[f"pushguide.{name}"] = f"{CODE}/{name.replace('.', '/')}"
    for kind in ("modules", "states", "runners", "returners", "pillar", "engines"):
        if os.path.isdir(os.path.join(HERE, f"_{kind}")):
            found[f"pushguide.{kind}"] = f"_{kind}"
    found["pushguide.orch"] = "orch"
    if os.path.isfile(os.path.join(HERE, CONSOLE, "index.html")):
        found["pushguide.console"] = CONSOLE
    return found


FOLDERS = folders()

setup(
    version=version(),
    packages=sorted(FOLDERS),
    package_dir=FOLDERS,
    package_data={
        "pushguide.master.store.migrations": ["*.mako"],
        "pushguide.orch": ["*.sls"],
        "pushguide.console": ["*.html", "*.svg", "assets/*"],
    },
    include_package_data=False,
)
