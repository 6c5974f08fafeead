"""SIMULATED: what a web server with these sites would serve, without a network."""

from __future__ import annotations

import os
from typing import Any

import iis_parts
from iis_model import Iis
from iis_parts import STARTED, Item


def request(iis: Iis, port: int, host: str, path: str) -> Item:
    """Ask for a page.

    Args:
        iis: the sites and pools; a pool that is started gets a worker if it has none.
        port: where it is asked.
        host: by which name.
        path: of the page, such as ``/shop/index.html``.

    Returns:
        ``status``, 0 if nothing listens there, and, unless that is so, ``site``, ``application``,
        its path, ``root``, its directory, ``file``, the one that is served, and ``pid``, the worker
        that does.
    """
    site = next((name for name in iis.sites if _answers(iis, name, str(port), host)), None)
    if site is None:
        return {"status": 0}
    applications = iis.sites[site]["applications"]
    mounted = _longest_prefix(applications, path)
    application = applications[mounted]
    below = path[len(mounted.rstrip("/")) :] or "/"
    prefix = _longest_prefix(application["directories"], below)
    relative = below[len(prefix.rstrip("/")) :].strip("/").replace("/", os.sep)
    file = os.path.join(application["directories"][prefix]["physicalPath"], relative)
    root = application["directories"]["/"]["physicalPath"]
    found = {"site": site, "application": mounted, "root": root, "file": file}
    pool = iis_parts.known_name(iis.pools, application["applicationPool"])
    if pool is None or iis.pool_state(pool) != STARTED:
        return {"status": 503, "pid": None, **found}
    status = 200 if os.path.isfile(os.path.expandvars(file)) else 404
    return {"status": status, "pid": iis.worker(pool), **found}


def _answers(iis: Iis, site: str, port: str, host: str) -> bool:
    if iis.site_state(site) != STARTED:
        return False
    split = (one["bindingInformation"].split(":") for one in iis.sites[site]["bindings"])
    return any(on == port and named in ("", host) for *_, on, named in split)


def _longest_prefix(paths: dict[str, Any], path: str) -> str:
    wanted = path.casefold().rstrip("/") + "/"
    fitting = [one for one in paths if wanted.startswith(one.casefold().rstrip("/") + "/")]
    return max(fitting, key=len)
