"""Version labels: what may be one, and what a command line makes of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pushguide.errors import BadVersion
from pushguide.master.suggest import did_you_mean

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}\Z")


def is_label(label: object) -> bool:
    """Whether this is a version label: a name that is safe in every path and on every system."""
    return isinstance(label, str) and bool(_LABEL.match(label)) and not label.endswith(".")


def demand_label(label: object) -> str:
    """Refuse what cannot be a version label.

    Raises:
        BadVersion: it is too long, or has characters that have no place in a path.
    """
    if not is_label(label):
        raise BadVersion(
            f"{str(label)[:120]!r} is no version label: give letters, digits, '.', '_', '+' and "
            "'-', 100 at the most, beginning with a letter or digit."
        )
    return str(label)


def recover_label(given: object, known: Sequence[str]) -> str:
    """The label that somebody typed, where Salt's command line made a number of it.

    ``version=1.10`` reaches a runner as the number 1.1. Of the versions that the source has,
    those that Salt would read as the same number are meant; if there are several, nobody knows.

    Args:
        given: what reached the runner.
        known: the labels that the source has.

    Raises:
        BadVersion: it is no label, or it could be several.
    """
    if isinstance(given, str):
        return demand_label(given)
    import salt.utils.args

    meant = [one for one in known if salt.utils.args.yamlify_arg(one) == given]
    if len(meant) == 1:
        return meant[0]
    which = f"It could be {' or '.join(meant)}" if meant else f"No version reads like {given!r}"
    raise BadVersion(
        f"The version reached the runner as the {type(given).__name__} {given!r}, because it "
        f"looks like one. {which}: quote it twice, such as version=\"'1.10'\"."
    )


def demand_known(version: str, known: Sequence[str], where: str) -> None:
    """Refuse a version that the source does not have.

    Raises:
        BadVersion: naming the nearest that it has.
    """
    if version not in known:
        newest = f" The newest are {', '.join(known[:5])}." if known else " It has none at all."
        hint = did_you_mean(version, known) if known else "Let CI publish one."
        raise BadVersion(f"{where} has no version {version}: {hint}{newest}")
