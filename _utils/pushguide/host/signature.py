"""Signatures: proving who signed an artifact, by Salt's own ``gpg`` module and this host's keys."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from salt.exceptions import SaltException

from pushguide.errors import StepFailed

#: What Salt's gpg module says of a key that counts for nothing any more.
_ENDED = ("Expired", "Revoked")


def prove(
    wanted: Mapping[str, Any] | None,
    artifact_path: str,
    signature_path: str | None,
    salt: Mapping[str, Any],
) -> str | None:
    """Prove that an artifact is signed as a deployment asks for it.

    Args:
        wanted: the share's ``signature``; None where nobody asks for one.
        artifact_path: the artifact on this host.
        signature_path: its detached signature on this host; None if there is none.
        salt: Salt's execution modules.

    Returns:
        Who signed it, in words; None where there is nothing to prove.

    Raises:
        StepFailed: it is not signed, or by nobody who may.
    """
    if wanted is None:
        return None
    if signature_path is not None:
        return verify(
            artifact_path,
            signature_path,
            wanted["signed_by"],
            salt,
            wanted.get("gnupghome"),
            wanted.get("keyring"),
        )
    if wanted.get("required", True):
        raise StepFailed(
            f"Verifying the signature of {os.path.basename(artifact_path)} failed: it has none, "
            "and the template requires one. Let CI sign it, and publish it again."
        )
    return None


def verify(
    artifact_path: str,
    signature_path: str,
    signed_by: Sequence[str],
    salt: Mapping[str, Any],
    gnupghome: str | None = None,
    keyring: str | None = None,
) -> str:
    """Prove that one of some keys has signed a file.

    Args:
        artifact_path: the file.
        signature_path: its detached signature.
        signed_by: the fingerprints of the keys.
        salt: Salt's execution modules.
        gnupghome: where GnuPG keeps the public keys; that of the minion's user if not given.
        keyring: one file of public keys instead.

    Returns:
        Who signed it, in words.

    Raises:
        StepFailed: the signature is bad or of another file, the key is another one, is not
            known here, has expired or was revoked, or Salt's gpg module is not there.
    """
    name = os.path.basename(artifact_path)
    places = {"gnupghome": gnupghome, "keyring": keyring}
    where = {key: path for key, path in places.items() if path}
    _demand_gpg(name, salt, where)
    try:
        keys = {one["fingerprint"]: one for one in salt["gpg.list_keys"](**where)}
        signers = _signers(salt, artifact_path, signature_path, signed_by, keys, where)
    except (SaltException, OSError, ValueError, LookupError) as err:
        raise StepFailed(
            f"Verifying the signature of {name} failed: Salt's gpg module answered "
            f"{type(err).__name__}: {err}. Look at its keys: salt-call gpg.list_keys."
        ) from err
    for fingerprint in signers:
        if fingerprint in signed_by and not _has_ended(keys.get(fingerprint, {})):
            uids = keys[fingerprint].get("uids") or [""] if fingerprint in keys else [""]
            return f"signed by {fingerprint} {uids[0]}".rstrip()
    raise StepFailed(
        f"Verifying the signature of {name} failed: {'; '.join(_reasons(signed_by, keys, signers))}"
        f". Keys that count: {', '.join(signed_by)} (signature:signed_by of the template). Do not "
        "deploy it before it is known why; then let CI sign and publish it anew."
    )


def _demand_gpg(name: str, salt: Mapping[str, Any], where: Mapping[str, str]) -> None:
    """Refuse to go on without Salt's gpg module, or the place of the keys."""
    if "gpg.verify" not in salt:
        raise StepFailed(
            f"Verifying the signature of {name} failed: Salt's gpg module does not load here. "
            "Install GnuPG, and python-gnupg for Salt: salt-pip install python-gnupg."
        )
    for key, path in where.items():
        if not os.path.exists(path):
            raise StepFailed(
                f"Verifying the signature of {name} failed: {path} is not there "
                f"(signature:{key} of the template). Put the public keys there: salt-call "
                "gpg.import_key."
            )
    if "keyring" in where and not _takes(salt["gpg.verify"], "keyring"):
        raise StepFailed(
            f"Verifying the signature of {name} failed: Salt takes a keyring from 3007 on. Name a "
            "gnupghome in the template (signature:gnupghome)."
        )


def _takes(function: Any, argument: str) -> bool:
    return argument in inspect.signature(function).parameters


def _signers(
    salt: Mapping[str, Any],
    artifact_path: str,
    signature_path: str,
    signed_by: Sequence[str],
    keys: Mapping[str, Mapping[str, Any]],
    where: Mapping[str, str],
) -> list[str]:
    """The fingerprints of the keys whose signatures GnuPG found valid."""
    verify = salt["gpg.verify"]
    call = {"filename": artifact_path, "signature": signature_path, **where}
    if _takes(verify, "signed_by_any"):
        told = verify(**call, signed_by_any=[*signed_by])
        return [
            str(one["fingerprint"])
            for one in told.get("signatures") or []
            if one.get("trust_level") not in (None, "Expired")
        ]
    # Before 3007 Salt tells the id of the key alone: the last digits of its fingerprint.
    told = verify(**call)
    wanted = str(told.get("key_id") or "") if told.get("res") else ""
    if not wanted or told.get("trust_level") == "Expired":
        return []
    return [
        fingerprint
        for fingerprint, key in keys.items()
        if wanted in (key["keyid"], fingerprint[-16:], *_subkeys(key))
    ]


def _subkeys(key: Mapping[str, Any]) -> Iterator[str]:
    for one in key.get("subkeys") or []:
        yield str(one.get("keyid"))


def _has_ended(key: Mapping[str, Any]) -> bool:
    return bool(key.get("expired")) or key.get("trust") in _ENDED


def _reasons(
    signed_by: Sequence[str], keys: Mapping[str, Mapping[str, Any]], signers: Sequence[str]
) -> Iterator[str]:
    """Why no signature counts."""
    others = [one for one in signers if one not in signed_by]
    if others:
        yield f"it is signed by {', '.join(others)}, which does not count"
    for one in signed_by:
        key = keys.get(one)
        if key is None:
            yield f"the key {one} is not known on this host (salt-call gpg.import_key)"
        elif key.get("trust") == "Revoked":
            yield f"the key {one} was revoked"
        elif _has_ended(key):
            yield f"the key {one} expired on {key.get('expires')}"
    if not others and any(one in keys and not _has_ended(keys[one]) for one in signed_by):
        yield (
            "no valid signature of a key that counts was found: the artifact was changed after it "
            "was signed, the signature belongs to another file, or another key made it"
        )
