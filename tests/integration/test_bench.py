"""The measurements that need no quiet machine still run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

from tests.support.need import need
from tests.support.salt_lab import PROJECT


def test_the_scale_simulation_drives_simulated_hosts_to_their_end() -> None:
    words = [sys.executable, "-m", "bench.scale", "--hosts", "10", "30", "--json"]
    done = subprocess.run(
        words, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    found = {one["name"]: one["value"] for one in json.loads(done.stdout)["figures"]}
    for prepare in ("with_release", "all_first"):
        assert found[f"scale, 30 hosts, {prepare}: memory"] > 10
        assert found[f"scale, 30 hosts, {prepare}: wall"] > 0
        assert f"scale, {prepare}: a host of 30, in hosts of 10" in found


def test_the_transfer_bench_moves_only_what_changed() -> None:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    need("nginx", found, "nginx is not installed")
    need("zip", shutil.which("unzip"), "unzip is not installed")
    words = [sys.executable, "-m", "bench.transfer", "--minions", "2", "--repeat", "1", "--json"]
    done = subprocess.run(
        [*words, "--mb", "4", "--kinds", "war"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    found = {one["name"]: one["value"] for one in json.loads(done.stdout)["figures"]}
    moved = found["transfer, war of 4 MB, 2 minions: bytes moved for the next"]
    assert 0.05 < moved < 0.10
