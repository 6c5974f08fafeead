"""Salt's minion daemon, with what stands in for what Wine lacks."""

from __future__ import annotations

import sys

sys.path.insert(0, r"C:\lab")

import stand_ins

stand_ins.apply()

from salt.scripts import salt_minion  # noqa: E402  # after what its modules take on their import

if __name__ == "__main__":
    sys.argv = ["salt-minion", r"--config-dir=C:\salt\conf", "--log-level=warning"]
    salt_minion()
