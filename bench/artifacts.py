"""The artifacts that are measured with, and an nginx that serves them."""

from __future__ import annotations

import hashlib
import io
import random
import shutil
import tarfile
import zipfile
from pathlib import Path

from demo.daemons import LabError, free_port
from demo.lab import Lab

_KB = 1024
_WORDS = [bytes(random.Random(number).choices(range(97, 123), k=7)) + b" " for number in range(400)]


def war(seed: int, edition: int, megabytes: int) -> bytes:
    """A war of 200 jars; of each later edition 5 % of the content are others.

    Jars are compressed already, so their content is random here.
    """
    count = 200
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            made = random.Random(f"{seed} {number} {_edition_of(number, edition)}")
            name = zipfile.ZipInfo(f"WEB-INF/lib/part-{number}.jar", (2026, 1, 1, 0, edition, 0))
            content = made.randbytes(megabytes * _KB * _KB // count)
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def tar_gz(seed: int, edition: int, megabytes: int, files: int = 5000) -> bytes:
    """A tar.gz of many files, half of each text; of each later edition 5 % are others."""
    out = io.BytesIO()
    size = megabytes * _KB * _KB // files
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as archive:
        for number in range(files):
            made = random.Random(f"{seed} {number} {_edition_of(number, edition)}")
            text = b"".join(made.choices(_WORDS, k=size // 5))
            content = made.randbytes(size // 2) + text
            entry = tarfile.TarInfo(f"app/part-{number // 100}/file-{number}.bin")
            entry.size, entry.mode, entry.mtime = len(content), 0o644, 1_760_000_000
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _edition_of(number: int, edition: int) -> int:
    """Every twentieth part is new in an edition; the others are as they were."""
    return edition if number % 20 == 0 else 0


def publish(lab: Lab, module: str, version: str, name: str, content: bytes) -> Path:
    """Do what CI does."""
    place = lab.artifacts / module / version
    place.mkdir(parents=True)
    (place / name).write_bytes(content)
    (place / "sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    return place / name


def serve_by_nginx(lab: Lab, directory: Path) -> tuple[str, Path]:
    """Serve a directory by nginx; answer with its address and its log of bytes sent.

    Raises:
        LabError: nginx is not installed.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        raise LabError("nginx is not installed")
    port, log = free_port(), lab.top / "nginx-sent.log"
    (lab.top / "nginx.conf").write_text(
        "daemon off; worker_processes 1; user root; "
        f"pid {lab.top}/nginx.pid; error_log {lab.top}/nginx-error.log;\n"
        "events { worker_connections 512; }\n"
        "http { sendfile on; log_format sent '$body_bytes_sent'; "
        f"access_log {log} sent; keepalive_requests 10000;\n"
        f"server {{ listen 127.0.0.1:{port}; root {directory}; }} }}\n"
    )
    lab.spawn("nginx", [program, "-p", str(lab.top), "-c", str(lab.top / "nginx.conf")])
    return f"http://127.0.0.1:{port}", log


def sent(log: Path) -> int:
    """The bytes of all answers so far."""
    return sum(map(int, log.read_text().split())) if log.exists() else 0
