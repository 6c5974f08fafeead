"""Where fsspec reads from in tests: a real SSH server, and moto's double of S3."""

from __future__ import annotations

import getpass
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.waiting import wait_until

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")


@contextmanager
def ssh_server(top: Path) -> Iterator[dict[str, Any]]:
    """A real sshd of this user alone; gives what paramiko needs to come in.

    Args:
        top: an empty directory for its keys.
    """
    assert SSHD
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(top / name)]
        subprocess.run(command, check=True)
    (top / "authorized_keys").write_bytes((top / "user.pub").read_bytes())
    port = free_port()
    (top / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {top / 'host'}\nUsePAM no\n"
        f"AuthorizedKeysFile {top / 'authorized_keys'}\nStrictModes no\nPidFile none\n"
        "PasswordAuthentication no\nSubsystem sftp internal-sftp\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    command = [SSHD, "-D", "-e", "-f", str(top / "config")]
    with open(top / "log", "wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            wait_until(lambda: b"Server listening" in (top / "log").read_bytes(), "sshd listens")
            yield {
                "port": port,
                "username": getpass.getuser(),
                "key_filename": str(top / "user"),
            }
        finally:
            process.terminate()


@contextmanager
def s3_double() -> Iterator[str]:
    """moto's double of S3, which speaks its protocol over HTTP; gives its address."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
