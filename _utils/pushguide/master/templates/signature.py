"""Signatures as operations ask for them: by whom an artifact has to be signed."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from pushguide.master.fields import AbsolutePath, Strict, help_of

_FINGERPRINT = re.compile(r"[0-9A-F]{40}([0-9A-F]{24})?\Z")


def _fingerprint(value: object) -> str:
    text = re.sub(r"\s", "", str(value)).upper().removeprefix("0X")
    if not _FINGERPRINT.match(text):
        raise ValueError(
            "give a whole fingerprint of 40 hexadecimal digits, as gpg --fingerprint shows it"
        )
    return text


Fingerprint = Annotated[str, BeforeValidator(_fingerprint)]


class Signature(Strict):
    """By whom artifacts are signed, and where hosts keep the public keys."""

    required: bool = help_of(
        "Whether an artifact without a signature is refused. One that is there is proven in any "
        "case.",
        default=True,
    )
    signed_by: Annotated[list[Fingerprint], Field(min_length=1, max_length=50)] = help_of(
        "The fingerprints of the keys, one of which has to have signed.",
        ["0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567"],
    )
    gnupghome: AbsolutePath | None = help_of(
        "The directory on the hosts where GnuPG keeps the public keys. That of the minion's user "
        "if not given.",
        "/etc/salt/gpgkeys",
        default=None,
    )
    keyring: AbsolutePath | None = help_of(
        "One file of public keys instead. Salt takes it from 3007 on.",
        "/etc/salt/release-keys.gpg",
        default=None,
    )
