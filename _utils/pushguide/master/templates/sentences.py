"""What a model of pydantic finds wrong, as sentences that people can mend it by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError

from pushguide.master.fields import Strict
from pushguide.master.suggest import did_you_mean
from pushguide.master.templates.secrecy import is_name_of_secret, secrets_in


def sentences(
    error: ValidationError,
    place: Callable[[tuple[Any, ...]], str],
    model: type[Strict],
    beside: Sequence[str] = (),
) -> Iterator[str]:
    """Every problem that a model found, each with its place.

    Args:
        error: what the model raised.
        place: makes a path out of a location in the model.
        model: the model.
        beside: keys that may stand beside those of the model.
    """
    for one in error.errors():
        location, kind = one["loc"], one["type"]
        where = place(location)
        if kind == "extra_forbidden":
            known = _keys_at(model, location[:-1])
            if len(location) == 1:
                known += beside
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
