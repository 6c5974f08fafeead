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
        schema = _titled(settings.model_json_schema())
        whole = {"$schema": DIALECT, **schema, "title": name}
        found[name] = {"description": said, "settings": whole}
    return found


def of_template() -> dict[str, Any]:
    """The JSON Schema of a template, with its environments."""
    schema = _titled(Template.model_json_schema())
    properties = schema["properties"]
    hosts = properties.pop("hosts")
    default = {
        "title": "Default",
        "description": "Whether commands take this environment when told nothing.",
        "type": "boolean",
        "default": False,
    }
    own = {key: _partly(properties[key]) for key in MAY_STAND if key in properties}
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


def _partly(field: dict[str, Any]) -> dict[str, Any]:
    """A field of an environment: of a mapping it need say no more than what differs."""
    if field.get("type", "object") != "object":
        return field
    told: dict[str, Any] = {key: field[key] for key in ("title", "description") if key in field}
    return {**told, "anyOf": [field, {"title": "What differs", "type": "object"}]}


def _titled(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose every field has a title, and whose probes may be one or several.

    Pydantic gives none to what is of another model, and knows nothing of what is read before it.
    """
    for model in (schema, *schema.get("$defs", {}).values()):
        for name, one in model.get("properties", {}).items():
            one.setdefault("title", name.replace("_", " ").capitalize())
            if name == "probe":
                listed, nothing = one["anyOf"]
                one["anyOf"] = [listed["items"], listed, nothing]
    return schema
