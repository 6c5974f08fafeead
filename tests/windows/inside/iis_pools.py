"""SIMULATED: IIS's application pools and the worker processes in them."""

from __future__ import annotations

import time
from collections.abc import Callable

import iis_parts
import iis_settings
from iis_parts import STARTED, STOPPED, UNDEFINED, Failed, Item

RUNNING = "Running"
STOPPING = "Stopping"


class Pools:
    """The application pools; a method is a cmdlet."""

    def __init__(self, state: Item, now: Callable[[], float] = time.time) -> None:
        self.state = state
        self.sites: dict[str, Item] = state["sites"]
        self.pools: dict[str, Item] = state["pools"]
        self.now = now
        self._let_workers_end()

    def list_pools(self) -> list[Item]:
        """Get-ChildItem IIS:\\AppPools, with what runs in each as Salt asks for it."""
        return [
            {
                "name": name,
                "state": self.pool_state(name),
                "Applications": iis_parts.as_json(self._users(name)),
            }
            for name in self.pools
        ]

    def create_pool(self, pool: str) -> None:
        """New-Item IIS:\\AppPools\\…."""
        if iis_parts.known_name(self.pools, pool):
            raise Failed(rf"Destination element already exists: IIS:\AppPools\{pool}")
        settings = iis_settings.defaults(iis_settings.POOL)
        self.pools[pool] = {"state": STARTED, "workers": [], **settings}

    def remove_pool(self, pool: str) -> None:
        """Remove-Item IIS:\\AppPools\\…, whoever uses it."""
        del self.pools[self._pool_name(pool)]

    def start_pool(self, pool: str) -> None:
        """Start-WebAppPool."""
        if self.pool_state(self._pool_name(pool)) == UNDEFINED:
            raise Failed("The object identifier does not represent a valid object. (0x800710D8)")
        self._pool(pool)["state"] = STARTED
        self._start_what_always_runs()

    def stop_pool(self, pool: str) -> None:
        """Stop-WebAppPool."""
        found = self._pool(pool)
        if found["state"] == STOPPED:
            raise Failed("The object on target path is already stopped.")
        found.update(state=STOPPED, workers=[])

    def restart_pool(self, pool: str) -> None:
        """Restart-WebAppPool: recycle its worker."""
        if self._pool(pool)["state"] == STOPPED:
            raise Failed("You have to start stopped object before restarting.")
        self._recycle(self._pool(pool))

    def pool_state(self, pool: str) -> str:
        """The state of an application pool."""
        is_wrong = f"AppPools/{pool}" in self.state["set_up_wrongly"]
        return UNDEFINED if is_wrong else str(self.pools[pool]["state"])

    def list_workers(self, pool: str) -> list[Item]:
        """Get-ChildItem IIS:\\AppPools\\…\\WorkerProcesses."""
        name = self._pool_name(pool)
        return [
            {"processId": one["pid"], "appPoolName": name, "state": one["state"]}
            for one in self.pools[name]["workers"]
        ]

    def worker(self, pool: str) -> int:
        """The process that answers a request to a pool that is started."""
        workers = self.pools[pool]["workers"]
        running = [one["pid"] for one in workers if one["state"] == RUNNING]
        if not running:
            running = [self._start_worker(self.pools[pool])]
        return int(running[0])

    # --- within -----------------------------------------------------------------------------

    def _pool_name(self, pool: str) -> str:
        return iis_parts.demand_name(self.pools, pool, "application pool")

    def _pool(self, pool: str) -> Item:
        return self.pools[self._pool_name(pool)]

    def _users(self, pool: str) -> list[str]:
        """Sites whose root is in a pool, by name, and then other applications, by path."""
        used = [
            (name, path)
            for name, site in self.sites.items()
            for path, one in site["applications"].items()
            if one["applicationPool"].casefold() == pool.casefold()
        ]
        roots = [name for name, path in used if path == "/"]
        return roots + [path for _, path in used if path != "/"]

    def _start_worker(self, pool: Item) -> int:
        pid = int(self.state["next_pid"])
        self.state["next_pid"] += 4
        pool["workers"].append({"pid": pid, "state": RUNNING, "ends_at": None})
        return pid

    def _recycle(self, pool: Item) -> None:
        old = [one for one in pool["workers"] if one["state"] == RUNNING]
        if not old:
            return
        overlaps = pool["recycling.disallowOverlappingRotation"] == "False"
        for one in old:
            one["state"] = STOPPING
            one["ends_at"] = self.now() + (self.state["overlap_seconds"] if overlaps else 0)
        self._let_workers_end()
        self._start_worker(pool)

    def _let_workers_end(self) -> None:
        for pool in self.pools.values():
            pool["workers"] = [
                one
                for one in pool["workers"]
                if one["ends_at"] is None or one["ends_at"] > self.now()
            ]

    def _start_what_always_runs(self) -> None:
        for pool in self.pools.values():
            wanted = pool["startMode"] == "AlwaysRunning" and pool["state"] == STARTED
            if wanted and not pool["workers"]:
                self._start_worker(pool)
