"""The JSON Schemas that forms are drawn from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pushguide.master.templates import schemas
from tests.docs.pages import PROJECT

OPTS = {"id": "m_master", "extension_modules": ""}
TYPES = schemas.types(OPTS)
TEMPLATE = schemas.of_template()
EXAMPLES = sorted((PROJECT / "pillar_example").glob("shop-*.sls"))


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property in a schema and in what it refers to."""
    for name, one in {"": schema, **schema.get("$defs", {})}.items():
        for key, value in one.get("properties", {}).items():
            yield f"{name}.{key}", value


@pytest.mark.parametrize("name", [*TYPES, "template"])
def test_it_is_a_schema(name: str) -> None:
    schema = TEMPLATE if name == "template" else TYPES[name]["settings"]
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", [*TYPES, "template"])
def test_a_form_can_be_drawn_from_it(name: str) -> None:
    """Each field has a title and help; and a default, an example, or all that may be chosen."""
    schema = TEMPLATE if name == "template" else TYPES[name]["settings"]
    found = dict(properties(schema))
    assert found
    for place, one in found.items():
        inner = one.get("$ref") or one.get("allOf")
        assert one.get("title") or inner, place
        assert one.get("description") or inner, place
        told = {"default", "examples", "enum", "const", "$ref", "anyOf", "oneOf"} & {*one}
        assert told, place


def descriptions(schema: object) -> Iterator[str]:
    """Everything that is said to help in a schema, and in what lies in it."""
    if isinstance(schema, list):
        for one in schema:
            yield from descriptions(one)
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "description" and isinstance(value, str):
                yield value
            yield from descriptions(value)


def test_all_that_is_said_to_help_is_there_in_chinese() -> None:
    kept = PROJECT / "web" / "src" / "words" / "help.zh.json"
    chinese = json.loads(kept.read_text(encoding="utf-8"))
    said = {*descriptions(TYPES), *descriptions(TEMPLATE)}
    assert said - {*chinese} == set(), "say it in Chinese as well"
    assert {*chinese} - said == set(), "nobody says that any more"
    assert all(re.search("[\u4e00-\u9fff]", one) for one in chinese.values())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda one: str(one.stem))
def test_the_examples_are_as_the_schemas_say(path: Path) -> None:
    (module,) = yaml.safe_load(path.read_text())["pushguide"]["modules"].values()
    jsonschema.validate(module, TEMPLATE, jsonschema.Draft202012Validator)
    jsonschema.validate(module.get("settings", {}), TYPES[module["type"]]["settings"])


def test_what_no_template_may_hold_is_none() -> None:
    module = {"type": "static_site", "environments": {"production": {"hosts": "*"}}}
    jsonschema.validate(module, TEMPLATE)
    for wrong in (
        {**module, "colour": "red"},
        {**module, "environments": {}},
        {**module, "environments": {"production": {}}},
        {**module, "environments": {"production": {"hosts": "*", "type": "service"}}},
        {**module, "keep_releases": 0},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, TEMPLATE)


def test_a_types_own_file_that_does_not_load_says_so(tmp_path: Path) -> None:
    synced = tmp_path / "pushguide_types"
    synced.mkdir()
    (synced / "broken.py").write_text("this is no Python\n")
    found = schemas.types({**OPTS, "extension_modules": str(tmp_path)})
    assert "does not load" in found["broken"]["problems"][0]
    assert found["static_site"] == TYPES["static_site"]
