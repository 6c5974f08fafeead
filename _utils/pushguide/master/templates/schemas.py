"""Schemas: what a template may hold, as JSON Schema, so that a form can be drawn from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pushguide.errors import BadTemplate
from pushguide.master.templates import project_types
from pushguide.master.templates.template import MAY_STAND, Template

#: The version of JSON Schema that pydantic writes.
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def types(opts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every project type: what it is, and the JSON Schema of its settings.

    A team's own type that does not load has ``problems`` instead.
    """
    find = project_types.finder(opts)
    found: dict[str, dict[str, Any]] = {}
    for name in project_types.names(opts):
        try:
            settings = find(name)
        except BadTemplate as err:
            found[name] = {"problems": err.problems}
            continue
        said = " ".join((settings.__doc__ or "").split())
        schema = {"$schema": DIALECT, **settings.model_json_schema()}
        found[name] = {"description": said, "settings": {**schema, "title": name}}
    return found


def of_template() -> dict[str, Any]:
    """The JSON Schema of a template, with its environments."""
    schema = Template.model_json_schema()
    properties = schema["properties"]
    hosts = properties.pop("hosts")
    default = {
        "title": "Default",
        "description": "Whether commands take this environment when told nothing.",
        "type": "boolean",
        "default": False,
    }
    own = {key: properties[key] for key in MAY_STAND if key in properties}
    environment = {
        "title": "Environment",
        "type": "object",
        "additionalProperties": False,
        "required": ["hosts"],
        "properties": {"hosts": hosts, "default": default, **own},
    }
    environments = {
        "title": "Environments",
        "description": "The environments, by name: their hosts, and what is different there.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": environment,
        "examples": [{"production": {"hosts": "web*"}}],
    }
    return {
        "$schema": DIALECT,
        **schema,
        "properties": {**properties, "environments": environments},
        # An environment, or what operations say for all modules, may say the rest.
        "required": ["type", "environments"],
    }
