"""Templates: what is said once about a module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from pushguide.errors import Refused
from pushguide.master.fields import (
    AbsolutePath,
    Bounded,
    HttpUrl,
    Name,
    OneLine,
    Strict,
    TypeSettings,
    help_of,
)
from pushguide.master.templates import project_types
from pushguide.master.templates.configuration import AnyChange
from pushguide.master.templates.drain import AnyDrain
from pushguide.master.templates.health import Probes, WarmUp
from pushguide.master.templates.hooks import Hooks
from pushguide.master.templates.inventory import Facts
from pushguide.master.templates.layers import Layer
from pushguide.master.templates.people import People
from pushguide.master.templates.sentences import sentences
from pushguide.master.templates.signature import Signature
from pushguide.master.templates.sources import AnySource
from pushguide.master.templates.standards import RuleChanges
from pushguide.master.templates.strategy import Approval, Strategy, changed
from pushguide.master.templates.transfer import Transfer
from pushguide.master.templates.unpacking import Unpacking

_TARGETS = ("glob", "list", "compound", "grain", "pcre", "nodegroup", "pillar", "ipcidr", "range")
#: What an environment may say differently from its module.
OVERRIDABLE = (
    "root",
    "source",
    "transfer",
    "unpacking",
    "configuration",
    "index",
    "inventory",
    "settings",
    "probe",
    "warm_up",
    "drain",
    "hooks",
    "strategy",
    "keep_releases",
    "min_free_mb",
    "restore_on_failure",
    "orchestration",
    "approval",
    "standards",
    "signature",
    "people",
    "data_centre",
    "windows",
)
#: All that an environment may say.
MAY_STAND = (*OVERRIDABLE, "hosts", "default")


class IndexPlace(Strict):
    """Where the indexes of artifacts lie that can only be read as a whole"""

    directory: AbsolutePath = help_of(
        "The directory on the master that pushguide.index writes to.", "/srv/artifacts/.indexes"
    )
    url: Annotated[HttpUrl, Bounded("servers")] = help_of(
        "The same directory, as the hosts reach it by HTTP.",
        "https://artifacts.example.com/.indexes",
    )


class Orchestration(Strict):
    """The orchestration files that drive a deployment."""

    deploy: Annotated[str, Bounded("orchestrations")] = help_of(
        "For deploy and redeploy.", default="orch.deploy", pattern=r"^[\w-]+(\.[\w-]+)*$"
    )
    rollback: Annotated[str, Bounded("orchestrations")] = help_of(
        "For rollback.", default="orch.rollback", pattern=r"^[\w-]+(\.[\w-]+)*$"
    )


class Target(Strict):
    """Hosts, by one of Salt's ways of targeting."""

    target: OneLine | list[OneLine] = help_of("The expression.", "G@role:web and L@web1,web2")
    type: Literal[_TARGETS] = help_of("The way.", default="glob")  # type: ignore[valid-type]


class OnWindows(Strict):
    """What Windows hosts have differently, where a module has hosts of both kinds."""

    type: str | None = help_of("Their project type.", "windows_service", default=None)
    root: AbsolutePath | None = help_of(
        "The directory that holds the releases.", r"C:\srv\shop-web", default=None
    )
    settings: dict[str, Any] | None = help_of(
        "The settings of their project type: laid over the module's, or in their stead where "
        "the type is another one.",
        {"service": "ShopApi"},
        default=None,
    )
    unpacking: Unpacking | None = help_of(
        "How an artifact becomes a release directory", default=None
    )
    configuration: list[AnyChange] | None = help_of(
        "Changes that are made to the files of a new release.", default=None
    )
    probe: Probes | None = help_of(
        "How health is proven, by one probe or a list of them", default=None
    )
    warm_up: WarmUp | None = help_of("Requests to a new release before it is probed", default=None)
    drain: AnyDrain | None = help_of("The way out of the load balancer, and back", default=None)
    hooks: Hooks | None = help_of("Hooks that take part in the stages, on each host", default=None)


class Template(Strict):
    """A module in one environment: everything that a deployment needs to know."""

    type: str = help_of("The project type.", "static_site")
    description: str = help_of("What the module is.", default="")
    team: Name | None = help_of("The team whose module it is.", "payments", default=None)
    root: AbsolutePath = help_of(
        "The directory on the hosts that holds the releases.", "/srv/shop-web"
    )
    source: AnySource = help_of(
        "Where CI puts what it builds", {"directory": "/srv/artifacts", "url": "salt://artifacts"}
    )
    transfer: Transfer = help_of("How artifacts come to the hosts", default=Transfer())
    unpacking: Unpacking = help_of(
        "How an artifact becomes a release directory", default=Unpacking()
    )
    configuration: list[AnyChange] = help_of(
        "Changes that are made to the files of a new release, in their order.", default=[]
    )
    index: IndexPlace | None = help_of(
        "Where the indexes of artifacts lie that can only be read as a whole", default=None
    )
    inventory: Facts = help_of(
        "The values that differ from host to host, by name.",
        {"port": {"kind": "port", "grain": "shop_port"}},
        default={},
    )
    settings: dict[str, Any] = help_of("The settings of the project type.", default={})
    probe: Probes | None = help_of(
        "How health is proven, by one probe or a list of them", default=None
    )
    warm_up: WarmUp | None = help_of("Requests to a new release before it is probed", default=None)
    drain: AnyDrain | None = help_of("The way out of the load balancer, and back", default=None)
    hooks: Hooks = help_of("Hooks that take part in the stages, on each host", default=Hooks())
    strategy: Strategy = help_of("How a deployment goes through its hosts", default=Strategy())
    keep_releases: Annotated[int, Field(ge=1, le=100)] = help_of(
        "How many good releases stay beside the live one.", default=3
    )
    min_free_mb: Annotated[int, Field(ge=0)] = help_of(
        "The space that has to be free on a host, beside three times the artifact.", default=500
    )
    restore_on_failure: bool = help_of(
        "Whether a host whose release fails goes back, at once, to what ran before.", default=True
    )
    orchestration: Orchestration = help_of("What drives a deployment", default=Orchestration())
    approval: Approval = help_of(
        "Whether somebody has to approve a deployment before it starts", default=Approval()
    )
    standards: RuleChanges = help_of(
        "What differs from the company's code standards.", {"no-keystores": "off"}, default={}
    )
    signature: Signature | None = help_of("By whom artifacts have to be signed", default=None)
    windows: OnWindows | None = help_of("What Windows hosts have differently", default=None)
    people: People = help_of("Who has which role on the module", default=People())
    data_centre: Name | None = help_of(
        "The data centre whose master drives its deployments, while one is there; any master if "
        "it names none.",
        "shanghai",
        default=None,
    )
    deploy_on_build: OneLine | None = help_of(
        "The environment that an announced build is deployed to at once.", "test", default=None
    )
    hosts: OneLine | list[OneLine] | Target = help_of(
        "The hosts: a glob, a list of ids, or target and type.", "web*", ["web1", "web2"]
    )

    @property
    def target(self) -> Target:
        """The hosts as a target."""
        if isinstance(self.hosts, Target):
            return self.hosts
        if isinstance(self.hosts, list):
            return Target(target=self.hosts, type="list")
        return Target(target=self.hosts)


class Platforms(NamedTuple):
    """The templates of a module in one environment.

    Attributes:
        usual: that of all hosts.
        layers: what it was made of, the lowest first.
        windows: that of Windows hosts, where they have one of their own.
        windows_layers: what that was made of.
    """

    usual: Template
    layers: tuple[Layer, ...] = ()
    windows: Template | None = None
    windows_layers: tuple[Layer, ...] = ()

    @property
    def templates(self) -> tuple[Template, ...]:
        """Both, or the one that there is."""
        return (self.usual, self.windows) if self.windows else (self.usual,)


def strategy_of(template: Template, wish: object) -> Strategy:
    """The strategy of one deployment: the template's, with what the deployment says differently.

    Args:
        template: the template.
        wish: the argument ``strategy`` of the deployment, None for nothing.

    Raises:
        Refused: it is no mapping, a key is unknown or wrong, or may not be changed; each is named.
    """
    if wish is None:
        return template.strategy
    if not isinstance(wish, Mapping):
        raise Refused(f"strategy is {wish!r}: give a mapping, such as '{{batch: 10%}}'.")
    values, problems = changed(template.strategy, wish)
    try:
        return _unless(problems, Strategy(**values))
    except ValidationError as err:
        told = sentences(
            err, lambda location: ":".join(["strategy", *map(str, location)]), Strategy
        )
        raise Refused([*problems, *told]) from err


def _unless(problems: list[str], strategy: Strategy) -> Strategy:
    if problems:
        raise Refused(problems)
    return strategy


def settings_of(template: Template, settings_class: project_types.Finder) -> TypeSettings:
    """The validated settings of a template's type, with their defaults."""
    return settings_class(template.type)(**template.settings)
