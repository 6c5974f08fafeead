"""GnuPG in a directory of its own: keys that are made for a test, and signatures of files."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Gnupg:
    """One GNUPGHOME.

    Args:
        home: its directory; short, since a socket lies in it.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700, exist_ok=True)

    def run(self, *words: str, given: str | None = None) -> str:
        """Run gpg."""
        done = subprocess.run(
            [
                "gpg",
                "--batch",
                "--yes",
                "--quiet",
                "--pinentry-mode=loopback",
                "--passphrase=",
                *words,
            ],
            env={**os.environ, "GNUPGHOME": str(self.home)},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make_key(self, name: str, *more: str, expires: str = "never") -> str:
        """Make a key that signs, and answer with its fingerprint."""
        uid = f"{name} <{name}@example.com>"
        self.run(*more, "--quick-generate-key", uid, "ed25519", "sign", expires)
        listed = self.run("--with-colons", "--fingerprint", name)
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))

    def sign(self, fingerprint: str, path: Path, *more: str) -> Path:
        """Make a detached signature of a file."""
        signature = path.with_name(f"{path.name}.asc")
        self.run(
            *more,
            f"--local-user={fingerprint}",
            "--armor",
            f"--output={signature}",
            "--detach-sign",
            str(path),
        )
        return signature

    def revoke(self, fingerprint: str) -> None:
        """Revoke a key, as its owner does with the certificate that was made with it."""
        certificate = self.home / "openpgp-revocs.d" / f"{fingerprint}.rev"
        text = certificate.read_text().replace(":-----BEGIN", "-----BEGIN")
        self.run("--import", given=text)

    def give(self, other: Gnupg, *fingerprints: str) -> None:
        """Give public keys to somebody."""
        for one in fingerprints:
            other.run("--import", given=self.run("--armor", "--export", one))


@contextmanager
def gnupg() -> Iterator[tuple[Gnupg, Gnupg]]:
    """CI's GnuPG, which has secret keys, and a host's, which has public ones alone."""
    top = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        yield Gnupg(top / "ci"), Gnupg(top / "host")
    finally:
        for home in (top / "ci", top / "host"):
            subprocess.run(
                ["gpgconf", f"--homedir={home}", "--kill", "all"], capture_output=True, check=False
            )
        shutil.rmtree(top, ignore_errors=True)
