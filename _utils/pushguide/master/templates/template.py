"""Templates: what operations say once about a module.

They are read out of the master's own pillar, ``pushguide:modules:<name>``, and validated as a
whole: every problem is reported at once, with its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import Field, ValidationError

from pushguide.errors import BadTemplate, Refused
from pushguide.master.allowed import Allowed
from pushguide.master.fields import (
    NAME_PATTERN,
    AbsolutePath,
    HttpUrl,
    Name,
    OneLine,
    Strict,
    TypeSettings,
    help_of,
)
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates import project_types
from pushguide.master.templates.configuration import AnyChange
from pushguide.master.templates.drain import AnyDrain
from pushguide.master.templates.health import Probes, WarmUp
from pushguide.master.templates.inventory import Facts, problems_of_places
from pushguide.master.templates.people import People
from pushguide.master.templates.secrecy import (
    is_name_of_secret,
    problems_of_secrets,
    secrets_in,
)
from pushguide.master.templates.signature import Signature
from pushguide.master.templates.sources import AnySource
from pushguide.master.templates.standards import RuleChanges
from pushguide.master.templates.strategy import Approval, Strategy, changed
from pushguide.master.templates.transfer import Transfer
from pushguide.master.templates.unpacking import Unpacking

_TARGETS = ("glob", "list", "compound", "grain", "pcre", "nodegroup", "pillar", "ipcidr", "range")
#: The kind of what does not say its kind.
_USUAL_KINDS = {"source": "directory", "probe": "http", "drain": None}
#: What an environment may say differently from its module.
_OVERRIDABLE = (
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
    "strategy",
    "keep_releases",
    "min_free_mb",
    "restore_on_failure",
    "orchestration",
    "approval",
    "standards",
    "signature",
    "people",
    "windows",
)  #: All that an environment may say.
_MAY_STAND = (*_OVERRIDABLE, "hosts", "default")


class IndexPlace(Strict):
    """Where the indexes of artifacts lie that can only be read as a whole."""

    directory: AbsolutePath = help_of(
        "The directory on the master that pushguide.index writes to.", "/srv/artifacts/.indexes"
    )
    url: HttpUrl = help_of(
        "The same directory, as the hosts reach it by HTTP.",
        "https://artifacts.example.com/.indexes",
    )


class Orchestration(Strict):
    """The orchestration files that drive a deployment."""

    deploy: str = help_of(
        "For deploy and redeploy.", default="orch.deploy", pattern=r"^[\w-]+(\.[\w-]+)*$"
    )
    rollback: str = help_of(
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
    unpacking: Unpacking | None = None
    configuration: list[AnyChange] | None = help_of(
        "Changes that are made to the files of a new release.", default=None
    )
    probe: Probes | None = None
    warm_up: WarmUp | None = None
    drain: AnyDrain | None = None


class Template(Strict):
    """A module in one environment: everything that a deployment needs to know."""

    type: str = help_of("The project type.", "static_site")
    description: str = help_of("What the module is.", default="")
    team: Name | None = help_of("The team whose module it is.", "payments", default=None)
    root: AbsolutePath = help_of(
        "The directory on the hosts that holds the releases.", "/srv/shop-web"
    )
    source: AnySource
    transfer: Transfer = Transfer()
    unpacking: Unpacking = Unpacking()
    configuration: list[AnyChange] = help_of(
        "Changes that are made to the files of a new release, in their order.", default=[]
    )
    index: IndexPlace | None = None
    inventory: Facts = help_of(
        "The values that differ from host to host, by name.",
        {"port": {"kind": "port", "grain": "shop_port"}},
        default={},
    )
    settings: dict[str, Any] = help_of("The settings of the project type.", default={})
    probe: Probes | None = None
    warm_up: WarmUp | None = None
    drain: AnyDrain | None = None
    strategy: Strategy = Strategy()
    keep_releases: Annotated[int, Field(ge=1, le=100)] = help_of(
        "How many good releases stay beside the live one.", default=3
    )
    min_free_mb: Annotated[int, Field(ge=0)] = help_of(
        "The space that has to be free on a host, beside three times the artifact.", default=500
    )
    restore_on_failure: bool = help_of(
        "Whether a host whose release fails goes back, at once, to what ran before.", default=True
    )
    orchestration: Orchestration = Orchestration()
    approval: Approval = Approval()
    standards: RuleChanges = help_of(
        "What differs from the company's code standards.", {"no-keystores": "off"}, default={}
    )
    signature: Signature | None = None
    windows: OnWindows | None = None
    people: People = People()
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
        windows: that of Windows hosts, where they have one of their own.
    """

    usual: Template
    windows: Template | None = None


def validate(
    name: str, data: object, settings_class: project_types.Finder, allowed: Allowed
) -> tuple[dict[str, Platforms], str, list[str]]:
    """Validate what the pillar says about one module.

    Args:
        name: the module's name.
        data: the value of ``pushguide:modules:<name>``.
        settings_class: finds the settings class of a project type.
        allowed: what it may name of the master's configuration.

    Returns:
        The templates of each environment that is right, the default environment's name, and
        every problem, with its path.
    """
    path = f"pushguide:modules:{name}"
    if not NAME_PATTERN.match(str(name)):
        return {}, "", [f"{path}: a name is letters, digits, '.', '_' and '-', 64 at the most."]
    if not isinstance(data, Mapping):
        return {}, "", [f"{path}: is {type(data).__name__}, not a mapping."]
    environments = data.get("environments")
    if not isinstance(environments, Mapping) or not environments:
        return {}, "", [f"{path}:environments: name at least one, such as production, with hosts."]
    common = {key: value for key, value in data.items() if key != "environments"}
    templates, problems = {}, []
    for environment, own in environments.items():
        where = f"{path}:environments:{environment}"
        if not NAME_PATTERN.match(str(environment)) or not isinstance(own, Mapping):
            problems.append(f"{where}: is no environment (a name with hosts).")
            continue
        found, more = _environment(common, own, path, where, settings_class, allowed)
        problems.extend(one for one in more if one not in problems)
        if found:
            templates[str(environment)] = found
    wanted = common.get("deploy_on_build")
    if isinstance(wanted, str) and wanted not in environments:
        problems.append(
            f"{path}:deploy_on_build: there is no environment {wanted!r}; "
            f"{did_you_mean(wanted, map(str, environments))}"
        )
    default, more = _default(environments, path)
    return templates, default, problems + more


def _environment(
    common: Mapping[str, Any],
    own: Mapping[str, Any],
    path: str,
    where: str,
    settings_class: project_types.Finder,
    allowed: Allowed,
) -> tuple[Platforms | None, list[str]]:
    """The templates of one environment, None if they are wrong; and every problem."""
    strange = [
        f"{where}:{key}: unknown key; {did_you_mean(str(key), (*_OVERRIDABLE, 'hosts'))}"
        for key in own
        if key not in _MAY_STAND
    ]
    known = {key: value for key, value in own.items() if key in _MAY_STAND}
    merged = {**common, **_own_keys(known, common)}

    def place(location: tuple[Any, ...]) -> str:
        top = where if location[:1] == ("hosts",) or _says(own, location) else path
        return ":".join([top, *map(str, location)])

    found = [*strange, *_problems(merged, place, settings_class, allowed)]
    if found or not merged.get("windows"):
        return None if found else Platforms(Template(**merged)), found
    windows = _on_windows(merged)
    top = f"{where if 'windows' in own else path}:windows"

    def place_on_windows(location: tuple[Any, ...]) -> str:
        return ":".join([top, *map(str, location)])

    # What is the same on all hosts is right.
    found = [*_problems(windows, place_on_windows, settings_class, allowed)]
    return None if found else Platforms(Template(**merged), Template(**windows)), found


def _on_windows(merged: Mapping[str, Any]) -> dict[str, Any]:
    """The template of the Windows hosts, where they have one of their own."""
    own = {key: value for key, value in merged["windows"].items() if value is not None}
    rest = {key: value for key, value in merged.items() if key != "windows"}
    is_another_type = own.get("type", rest["type"]) != rest["type"]
    below = {key: value for key, value in rest.items() if key != "settings" or not is_another_type}
    return {**below, **_own_keys(own, below)}


def _own_keys(own: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """What an environment says itself; its mappings are laid over the module's, key by key."""
    values = {}
    for key, value in own.items():
        below = common.get(key)
        if (
            isinstance(value, Mapping)
            and isinstance(below, Mapping)
            and not _is_of_another_kind(key, value, below)
        ):
            value = {**below, **(_laid_over(value, below) if key == "inventory" else value)}
        if key != "default":
            values[key] = value
    return values


def _laid_over(own: Mapping[Any, Any], below: Mapping[Any, Any]) -> dict[Any, Any]:
    """What an environment says of each value of the inventory, over what its module says of it."""
    return {
        name: {**below[name], **one}
        if isinstance(one, Mapping) and isinstance(below.get(name), Mapping)
        else one
        for name, one in own.items()
    }


def _is_of_another_kind(key: str, own: Mapping[str, Any], below: Mapping[str, Any]) -> bool:
    """Whether an environment has another kind of source, probe or drain than its module."""
    usual = below.get("kind", _USUAL_KINDS.get(key))
    return key in _USUAL_KINDS and own.get("kind", usual) != usual


def _default(environments: Mapping[str, Any], path: str) -> tuple[str, list[str]]:
    """The environment that commands take when told nothing."""
    claimed = [
        name
        for name, own in environments.items()
        if isinstance(own, Mapping) and own.get("default")
    ]
    if len(environments) == 1:
        return str(next(iter(environments))), []
    if len(claimed) != 1:
        return "", [f"{path}:environments: give exactly one of them default: true."]
    return str(claimed[0]), []


def _problems(
    merged: Mapping[str, Any],
    place: Callable[[tuple[Any, ...]], str],
    settings_class: project_types.Finder,
    allowed: Allowed,
) -> Iterator[str]:
    """Every problem of one template, each with the place of the line to mend."""
    found = []
    try:
        Template.model_validate(merged, context=vars(allowed))
    except ValidationError as err:
        found = [*sentences(err, lambda location: place(_as_written(location, merged)), Template)]
    yield from found
    for location, problem in problems_of_places(merged):
        yield f"{place(location)}: {problem}"
    for location, problem in problems_of_secrets(merged):
        if not any(one.startswith(f"{place(location)}: ") for one in found):
            yield f"{place(location)}: {problem}"
    project_type = merged.get("type")
    if not isinstance(project_type, str):
        return
    try:
        settings = settings_class(project_type)
    except BadTemplate as err:
        yield f"{place(('type',))}: {err}"
        return
    try:
        settings(**(merged.get("settings") or {}))
    except ValidationError as err:
        yield from sentences(err, lambda location: place(("settings", *location)), settings)
    except TypeError:
        yield f"{place(('settings',))}: is not a mapping."


def _says(own: Any, location: tuple[Any, ...]) -> bool:
    """Whether an environment itself says what stands at a place, or inherits it."""
    for part in location:
        if not isinstance(own, Mapping) or part not in own:
            return not isinstance(own, Mapping)
        own = own[part]
    return bool(location)


def _as_written(location: tuple[Any, ...], given: Mapping[str, Any]) -> tuple[Any, ...]:
    """A location as the template has it: pydantic puts the kind of what has kinds between."""
    if location[:1] == ("windows",):
        return ("windows", *_as_written(location[1:], given["windows"]))
    if location[:1] == ("probe",):
        place = location[1:2] if isinstance(given.get("probe"), list) else ()
        return (*location[:1], *place, *location[3:])
    if location[:1] == ("configuration",):
        return (*location[:2], *location[3:])
    if location[:1] in (("drain",), ("source",)):
        return (*location[:1], *location[2:])
    return location


def sentences(error: ValidationError, place: Any, model: type[Strict]) -> Iterator[str]:
    """Every problem that a model found, each with its place.

    Args:
        error: what the model raised.
        place: makes a path out of a location in the model.
        model: the model.
    """
    for one in error.errors():
        location, kind = one["loc"], one["type"]
        where = place(location)
        if kind == "extra_forbidden":
            known = _keys_at(model, location[:-1])
            if model is Template and len(location) == 1:
                known.append("environments")
            text = f"unknown key; {did_you_mean(str(location[-1]), known)}"
        elif kind == "missing":
            text = "is missing."
        elif kind == "said_in_full":
            text = one["msg"]
        elif kind in ("union_tag_invalid", "union_tag_not_found"):
            where, text = _no_such_kind(where, one["input"], _kinds_at(model, location))
        else:
            text = one["msg"] + _repeated(one["input"], location)
        yield f"{where}: {text}"


def _repeated(given: object, location: tuple[Any, ...]) -> str:
    """What was given, to stand behind what is wrong with it: nothing where it may be a secret."""
    is_secret = is_name_of_secret(location) or any(True for _ in secrets_in(given, location))
    return "." if is_secret else f" (it is {given!r})."


def _no_such_kind(where: str, given: object, kinds: list[str]) -> tuple[str, str]:
    """What to say of a probe or drain whose kind there is not."""
    if not isinstance(given, Mapping):
        return where, f"is {type(given).__name__}, not a mapping."
    told = f"give {', '.join(kinds[:-1])} or {kinds[-1]}."
    if "kind" not in given:
        return f"{where}:kind", f"is missing: {told}"
    return f"{where}:kind", f"there is no kind {given['kind']!r}: {told}"


def _keys_at(model: type[Strict], location: tuple[Any, ...]) -> list[str]:
    """The keys that a model takes at a place inside it."""
    models = _models_at(model, location)
    return list(models[0].model_fields) if models else []


def _kinds_at(model: type[Strict], location: tuple[Any, ...]) -> list[str]:
    """The kinds that there are at a place inside a model."""
    return sorted(filter(None, map(_kind_of, _models_at(model, location))))


def _models_at(model: type[Strict], location: tuple[Any, ...]) -> list[type[Strict]]:
    """The models that may stand at a place inside a model."""
    models = [model]
    for part in location:
        of_kind = [one for one in models if _kind_of(one) == part]
        if of_kind:
            models = of_kind
        elif not isinstance(part, int):
            found = [one.model_fields[part] for one in models if part in one.model_fields]
            if found:  # else it is a name that the template itself gives, such as a rule's
                models = [inner for one in found for inner in _models_in(one.annotation)]
    return models


def _kind_of(model: type[Strict]) -> str | None:
    """The kind that a model is of, if it is one of several kinds."""
    field = model.model_fields.get("kind")
    return get_args(field.annotation)[0] if field else None


def _models_in(annotation: Any) -> Iterator[type[Strict]]:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
    for one in get_args(annotation):
        yield from _models_in(one)


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
