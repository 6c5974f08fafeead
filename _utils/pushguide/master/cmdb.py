"""The company's CMDB: the key ``pushguide:cmdb`` of the master's configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, Field, ValidationError, model_validator

from pushguide.master.fields import (
    AbsolutePath,
    CredentialName,
    HttpUrl,
    OneLine,
    Seconds,
    Strict,
    help_of,
)
from pushguide.master.suggest import did_you_mean

_PLACE = re.compile(r"\{(\w+)\}")
_NAMES = ("module", "environment")


def _expression(text: str) -> str:
    import jmespath  # Only masters that have a CMDB need it.

    try:
        jmespath.compile(text)
    except jmespath.exceptions.JMESPathError as err:
        raise ValueError(f"give a JMESPath expression: {str(err).splitlines()[0]}") from err
    return text


def _address(url: str) -> str:
    unknown = {*_PLACE.findall(url)} - {*_NAMES}
    if unknown:
        raise ValueError(f"there is no {{{min(unknown)}}}: give {{module}} and {{environment}}")
    return url


Expression = Annotated[OneLine, AfterValidator(_expression)]


class Cmdb(Strict):
    """How the company's CMDB is asked, and what its answer means."""

    url: Annotated[HttpUrl, AfterValidator(_address)] = help_of(
        "The address that tells a module's hosts; {module} and {environment} are filled in.",
        "https://cmdb.example.com/api/apps/{module}/hosts",
    )
    hosts: Expression = help_of(
        "Where the answer has its list of hosts, in JMESPath.", "result.items", default="@"
    )
    id: Expression = help_of(
        "Where one of them has its minion id, in JMESPath.", "hostname", default="id"
    )
    mapping: Annotated[dict[str, Expression], Field(min_length=1)] = help_of(
        "Of each value of the inventory where one of them has it, in JMESPath.",
        {"port": "tomcat.http_port"},
    )
    credential: CredentialName | None = help_of(
        "The name of what it asks for, in pushguide:credentials. It needs https.",
        "cmdb",
        default=None,
    )
    ca_file: AbsolutePath | None = help_of(
        "The certificates of who vouches for it. Those that the system's Python knows if not "
        "given.",
        "/etc/ssl/certs/company.pem",
        default=None,
    )
    cache_seconds: Annotated[float, Field(ge=0, le=86400)] = help_of(
        "How long an answer holds before it is asked again.", default=300
    )
    stale_at_most_seconds: Annotated[float, Field(ge=0, le=30 * 86400)] = help_of(
        "How old an answer may be that is used while it is away.", default=86400
    )
    timeout_seconds: Seconds = help_of("How long its answer may take, in all.", default=10)
    max_bytes: Annotated[int, Field(ge=1, le=64 * 2**20)] = help_of(
        "The most that its answer may hold.", default=4 * 2**20
    )

    @model_validator(mode="after")
    def _secrets_are_encrypted(self) -> Cmdb:
        if self.credential and not self.url.startswith("https:"):
            raise ValueError("a credential needs https: give url such an address")
        return self

    def address_of(self, module: str, environment: str) -> str:
        """The address that tells the hosts of a module in an environment."""
        values = {"module": module, "environment": environment}
        return _PLACE.sub(lambda one: quote(values[one[1]], safe=""), self.url)


def read(given: Mapping[str, Any], credentials: Mapping[str, Any]) -> tuple[Cmdb | None, list[str]]:
    """Read ``cmdb``, and tell every problem.

    Args:
        given: the key ``pushguide`` of the master's configuration.
        credentials: what servers ask for, by name.
    """
    value = given.get("cmdb")
    where = "pushguide:cmdb in the master's configuration"
    if not value:
        return None, []
    if not isinstance(value, Mapping):
        return None, [f"{where} is not a mapping."]
    try:
        return Cmdb.model_validate(value, context={"credentials": [*credentials]}), []
    except ValidationError as err:
        return None, [_sentence(where, one) for one in err.errors()]


def _sentence(where: str, error: Any) -> str:
    """One problem; no value is repeated, which could be a secret in the wrong place."""
    place = ":".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{where}: {place} is unknown: {did_you_mean(place, [*Cmdb.model_fields])}"
    told = "is missing" if error["type"] == "missing" else str(error["msg"]).rstrip(".")
    return f"{where}: {place}: {told}." if place else f"{where}: {told}."
