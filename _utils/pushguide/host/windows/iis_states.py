"""The states of a site and of an application pool: what IIS says of them, and how they go back."""

from __future__ import annotations

from collections.abc import Callable

from pushguide.errors import StepFailed
from pushguide.host.windows.iis import STARTED, STOPPED, UNDEFINED, Iis


class States:
    """The states of what a place in IIS needs.

    Args:
        iis: IIS.
        site: the site that it is in.
        pool: the application pool that serves it.
    """

    def __init__(self, iis: Iis, site: str, pool: str) -> None:
        self.iis = iis
        self.site = site
        self.pool = pool

    def found(self) -> dict[str, str | None]:
        """The state of each; None of what there is not."""
        return {
            f"site {self.site}": self.iis.site_state(self.site),
            f"application pool {self.pool}": self.iis.pool_state(self.pool),
        }

    def told(self, which: Callable[[str | None], bool] = lambda _: True) -> str:
        """Some of the states, in words."""
        return ", ".join(
            f"{what} is {state or 'missing'}"
            for what, state in self.found().items()
            if which(state)
        )

    def demand_defined(self, is_there: bool) -> None:
        """Refuse what IIS cannot run.

        Args:
            is_there: whether there is the place; what is not there yet is created.

        Raises:
            StepFailed: IIS calls something undefined, or something is missing.
        """
        wrong = (UNDEFINED, None) if is_there else (UNDEFINED,)
        if broken := self.told(lambda state: state in wrong):
            raise StepFailed(
                f"IIS cannot serve: {broken}. Its configuration is wrong: look at "
                "applicationHost.config and the event log."
            )

    def put_site_back(self, before: str | None) -> list[str]:
        """Let the site run, or stand still, as it did before; what was done for that, in words."""
        now = self.iis.site_state(self.site)
        if before == STARTED and now != STARTED:
            self.iis.start_site(self.site)
            return [f"site {self.site} started"]
        if before == STOPPED and now not in (STOPPED, None):
            self.iis.stop_site(self.site)
            return [f"site {self.site} stopped, as it was before"]
        return []
