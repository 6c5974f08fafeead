"""Network namespaces on one bridge, between which the way can be cut.

What is cut vanishes without a word, in both directions and within connections too: as where a
line fails, and not as where a program ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable

_RULES = """
table inet cuts {
    chain in { type filter hook input priority 0; }
    chain out { type filter hook output priority 0; }
}
"""


def is_possible() -> bool:
    """Whether this process may make network namespaces, and has what it needs."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "nft"))):
        return False
    name = f"pgtry{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return made.returncode == 0


class Network:
    """A network of its own for each name, and one bridge that joins them.

    Args:
        names: the namespaces; this machine itself has the first address of the bridge.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.key = f"{os.getpid() % 100_000}"
        self.bridge = f"pg{self.key}"
        self.prefix = f"10.213.{os.getpid() % 250}"
        #: This machine's own address, where servers of the test listen.
        self.here = f"{self.prefix}.1"
        self.addresses = {name: f"{self.prefix}.{10 + place}" for place, name in enumerate(names)}

    def __enter__(self) -> Network:
        with contextlib.ExitStack() as stack:
            stack.callback(self._remove)
            _run("ip", "link", "add", self.bridge, "type", "bridge")
            _run("ip", "addr", "add", f"{self.here}/24", "dev", self.bridge)
            _run("ip", "link", "set", self.bridge, "up")
            for place, (name, address) in enumerate(self.addresses.items()):
                self._add(place, name, address)
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def _add(self, place: int, name: str, address: str) -> None:
        space, ours = self._space(name), f"v{place}-{self.key}"
        _run("ip", "netns", "add", space)
        peer = ("peer", "name", "eth0", "netns", space)
        _run("ip", "link", "add", ours, "type", "veth", *peer)
        _run("ip", "link", "set", ours, "master", self.bridge, "up")
        for words in (
            ("addr", "add", f"{address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            _run("ip", "-n", space, *words)
        _run(*self.inside(name), "nft", "-f", "-", text=_RULES)

    def _space(self, name: str) -> str:
        return f"pg{self.key}-{name}"

    def inside(self, name: str) -> list[str]:
        """The words that run a command in a namespace."""
        return ["ip", "netns", "exec", self._space(name)]

    def cut(self, name: str, others: Iterable[str]) -> None:
        """Let nothing pass between a namespace and others, by their names or addresses."""
        for other in others:
            address = self.addresses.get(other, other)
            for chain, side in (("in", "saddr"), ("out", "daddr")):
                rule = ("add", "rule", "inet", "cuts", chain, "ip", side, address, "drop")
                _run(*self.inside(name), "nft", *rule)

    def isolate(self, name: str) -> None:
        """Let nothing pass between a namespace and all others."""
        self.cut(name, [*(one for one in self.addresses if one != name), self.here])

    def heal(self) -> None:
        """Let everything pass again."""
        for name in self.addresses:
            for chain in ("in", "out"):
                _run(*self.inside(name), "nft", "flush", "chain", "inet", "cuts", chain)

    def _remove(self) -> None:
        for name in self.addresses:
            words = ["ip", "netns", "del", self._space(name)]
            subprocess.run(words, capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True, check=False)


def _run(*words: str, text: str | None = None) -> None:
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed: {done.stderr}")
