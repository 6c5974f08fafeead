"""A real .NET runtime for Linux, out of a package of PyPI, and an application built for it.

The runtime is .NET Core 3.1, without ASP.NET Core: the application speaks HTTP by itself. Mono's
compiler makes it.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
REFERENCES = (
    "Private.CoreLib",
    "Runtime",
    "Runtime.Extensions",
    "Console",
    "Collections",
    "IO.FileSystem",
    "Net.Primitives",
    "Net.Sockets",
    "Private.Uri",
    "Text.Encoding.Extensions",
)
#: Neither cultures nor diagnostics: they want libraries that this machine may lack.
ENVIRONMENT = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "COMPlus_EnableDiagnostics": "0"}


def missing() -> str:
    """What this machine lacks, as a sentence; empty if it lacks nothing."""
    if importlib.util.find_spec("dotnetcore2") is None:
        return "the .NET runtime is needed: pip install dotnetcore2 (x86_64 alone)"
    if shutil.which("mcs") is None:
        return "a compiler is needed: apt-get install --no-install-recommends mono-mcs"
    return ""


def dotnet() -> Path:
    """The program that runs applications."""
    found = importlib.util.find_spec("dotnetcore2")
    assert found is not None
    assert found.origin is not None
    program = Path(found.origin).parent / "bin" / "dotnet"
    program.chmod(0o755)
    return program


@functools.cache
def published() -> dict[str, bytes]:
    """The files of a publish, without its appsettings.json."""
    [runtime] = (dotnet().parent / "shared" / "Microsoft.NETCore.App").iterdir()
    with tempfile.TemporaryDirectory() as directory:
        library = Path(directory) / "Shop.Api.dll"
        references = [f"-r:{runtime}/System.{one}.dll" for one in REFERENCES]
        options = ["-nostdlib", "-noconfig", "-nowarn:1702", f"-out:{library}"]
        subprocess.run(
            ["mcs", *options, *references, HERE / "shop_api.cs"], check=True, capture_output=True
        )
        content = library.read_bytes()
    framework = {"name": "Microsoft.NETCore.App", "version": "3.1.0"}
    wanted = {"runtimeOptions": {"tfm": "netcoreapp3.1", "framework": framework}}
    # In the place of the program that a self-contained publish has, which is 70 MB with its own.
    program = f'#!/bin/sh\nexec {dotnet()} "${{0%/*}}/Shop.Api.dll"\n'
    return {
        "Shop.Api.dll": content,
        "Shop.Api.runtimeconfig.json": json.dumps(wanted).encode(),
        "Shop.Api": program.encode(),
    }


def environment(port: int) -> dict[str, str]:
    """The variables that an application gets."""
    home = os.path.join(tempfile.gettempdir(), "dotnet-home")
    return {
        **ENVIRONMENT,
        "ASPNETCORE_URLS": f"http://127.0.0.1:{port}",
        "DOTNET_CLI_HOME": home,
    }
