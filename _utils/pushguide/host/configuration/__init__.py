"""Configuration: changes that are made to the files of a release before it is a candidate.

One artifact serves all environments; what differs between them stands in the template. A change
that fails leaves nothing behind, since the release is removed with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pushguide.errors import PushguideError, Refused, StepFailed
from pushguide.host.configuration.app_settings import XmlChange
from pushguide.host.configuration.change import Change
from pushguide.host.configuration.hook import HookChange
from pushguide.host.configuration.json_settings import JsonChange
from pushguide.host.configuration.rendering import TemplateChange
from pushguide.host.configuration.tree import Tree
from pushguide.host.configuration.values import Values
from pushguide.host.configuration.xdt import TransformChange
from pushguide.host.reading import made_of

__all__ = ["KINDS", "Configured", "Values", "changes_of", "configure"]

KINDS: dict[str, type[Change]] = {
    one.kind: one for one in (TransformChange, JsonChange, XmlChange, TemplateChange, HookChange)
}


class Configured(NamedTuple):
    """What became of a release.

    Attributes:
        changes: the changes, in words.
        noted: what somebody should look at.
        files: the files that are not as the artifact has them.
    """

    changes: list[str]
    noted: list[str]
    files: list[str]


def changes_of(configuration: Sequence[Mapping[str, Any]]) -> list[Change]:
    """The changes that a share names.

    Raises:
        Refused: one does not read.
    """
    for one in configuration:
        if one.get("kind") not in KINDS:
            kinds = ", ".join(KINDS)
            raise Refused(f"There is no kind {one.get('kind')!r} of change: there are {kinds}.")
    return [made_of(KINDS[one["kind"]], one, "configuration") for one in configuration]


def configure(
    configuration: Sequence[Mapping[str, Any]], directory: str, values: Values
) -> Configured:
    """Make the changes, in their order.

    Args:
        configuration: the changes, as a share has them.
        directory: the release, which is no candidate yet.
        values: what they are filled in with.

    Raises:
        Refused: a change does not read.
        StepFailed: one could not be made. No secret stands in the message.
    """
    changes = changes_of(configuration)
    tree = Tree(directory)
    before = tree.identities()
    noted: list[str] = []
    for one in changes:
        try:
            noted += one.apply(tree, values)
        except (PushguideError, OSError) as err:
            told = f"Configuring the release failed at {one}: {err}"
            raise StepFailed(values.hidden(told)) from None
        except Exception as err:  # noqa: BLE001 - what it says may hold a secret
            raise StepFailed(
                f"Configuring the release failed at {one}: {type(err).__name__}."
            ) from None
    differing = sorted({name for name, _ in before ^ tree.identities()})
    return Configured(list(map(str, changes)), list(map(values.hidden, noted)), differing)
