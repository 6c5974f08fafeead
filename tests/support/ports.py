"""Ports for servers that a test stops and starts again."""

from __future__ import annotations

import random
import socket
import urllib.error
import urllib.request

#: Below the ports that Linux gives to outgoing connections: while a server is down, one of
#: those could take its port, even a client's that asks whether it is up again.
_RANGE = range(20_000, 32_000)


def free_port() -> int:
    """A port of the loopback address that nothing has, and nothing gets by chance."""
    for port in random.sample(_RANGE, 100):
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no free port in {_RANGE}")


def answer_on(port: int) -> str | None:
    """What a web server on a port of this machine answers, None if nothing does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.URLError:
        return None
