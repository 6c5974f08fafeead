"""The commands around the inventory: what is known of hosts, and whether it is so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pushguide.errors import Refused
from pushguide.master.arguments import demand_name, optional_name
from pushguide.master.inventory import for_plan, reconciling
from pushguide.master.inventory.precedence import Claim, Known
from pushguide.master.inventory.resolving import Question, Stock
from pushguide.master.parts import Parts
from pushguide.master.rollout import targets
from pushguide.master.rollout.jobs import Hosts
from pushguide.master.store.tables import now
from pushguide.master.templates.library import ModuleTemplate


class Stocktaking:
    """What can be asked of the inventory.

    Args:
        parts: what the commands are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def inventory(self, module: object, environment: object) -> dict[str, Any]:
        """What is known of each host, who says so, and who was overruled.

        Returns:
            ``hosts``: of each ``values`` by name, and ``missing``, the names that nobody says
            anything of; ``problems`` and ``notes``; ``retcode`` is 1 if something is missing or
            wrong.
        """
        chosen, stock, names = self._taken(module, environment)
        moment = now()
        hosts = {
            host: {
                "values": {
                    name: told(one, moment)
                    for name, one in sorted(stock.values.get(host, {}).items())
                },
                "missing": sorted(used - {*stock.values.get(host, {})}),
            }
            for host, used in names.items()
        }
        is_wrong = stock.problems or any(one["missing"] for one in hosts.values())
        return {
            "module": chosen.module,
            "environment": chosen.environment,
            "hosts": hosts,
            "problems": stock.problems,
            "notes": [*stock.notes, *_about_hosts(stock)],
            "retcode": int(bool(is_wrong)),
        }

    def reconcile(self, module: object, environment: object) -> dict[str, Any]:
        """What is claimed of each host, held against what runs there.

        Returns:
            ``hosts``: of each the ``values`` that are claimed or found, with their outcome;
            ``count`` of each outcome, ``problems`` and ``notes``; ``retcode`` is 1 unless all
            that is claimed was found to be so.
        """
        chosen, stock, names = self._taken(module, environment, must_look=True)
        comparable = reconciling.comparable(chosen.template.inventory)
        hosts = {
            host: reconciling.compare(comparable, stock.values.get(host, {}), stock.runtimes[host])
            for host in names
        }
        count = reconciling.counted(hosts.values())
        is_wrong = stock.problems or any(count[one] for one in reconciling.WRONG)
        return {
            "module": chosen.module,
            "environment": chosen.environment,
            "hosts": hosts,
            "count": count,
            "problems": stock.problems,
            "notes": stock.notes,
            "retcode": int(bool(is_wrong)),
        }

    def _taken(
        self, module: object, environment: object, must_look: bool = False
    ) -> tuple[ModuleTemplate, Stock, dict[str, set[str]]]:
        """The module, what is known of its hosts, and which values its template holds there."""
        library = self.parts.library()
        chosen = library.get(
            demand_name(module, "module"), optional_name(environment, "environment")
        )
        facts = chosen.template.inventory
        if not facts:
            raise Refused(
                f"The template of {chosen.module} ({chosen.environment}) has no inventory: say "
                "there which values differ from host to host."
            )
        if must_look and not reconciling.comparable(facts):
            raise Refused(
                f"Nothing of the inventory of {chosen.module} can be found on hosts: give a value "
                "discover, or a name that hosts know."
            )
        names = targets.hosts_of(chosen.template.target, self.parts.opts)
        with self.parts.hosts() as hosts:
            grains = self._grains(hosts, names, chosen)
            every = {host: {*facts} for host in names}
            silent = frozenset(names) - {*grains}
            question = Question(chosen, every, grains, True, must_look, silent)
            stock = self.parts.inventory(library, hosts).known(question)
        used = {
            host: for_plan.used_by(chosen, grains.get(host, {}).get("kernel")) for host in names
        }
        return chosen, stock, used

    def _grains(
        self, hosts: Hosts, names: list[str], chosen: ModuleTemplate
    ) -> dict[str, dict[str, str]]:
        """Of each host that answers the grains that the inventory needs."""
        asked = {
            "module": chosen.module,
            "environment": chosen.environment,
            "grains": for_plan.grains_of(chosen),
        }
        timeout = self.parts.config.presence_timeout_seconds
        answers = hosts.ask(names, "pushguide.inspect", asked, timeout)
        values = {host: one.value for host, one in answers.items() if isinstance(one.value, dict)}
        return {host: dict(one.get("grains") or {}) for host, one in values.items()}


def _about_hosts(stock: Stock) -> list[str]:
    return [f"{host}: {one.problem}." for host, one in stock.runtimes.items() if one.problem]


def told(known: Known, moment: datetime) -> dict[str, Any]:
    """A value as plain data, with who was overruled."""
    overruled = [_of_claim(one, moment) for one in known.overruled]
    return {**_of_claim(known.believed, moment), "overruled": overruled}


def _of_claim(claim: Claim, moment: datetime) -> dict[str, Any]:
    age = round((moment - claim.seen_at).total_seconds()) if claim.seen_at else 0
    return {
        "value": claim.value,
        "from": claim.source,
        "age_seconds": max(age, 0),
        "is_stale": claim.is_stale,
    }
