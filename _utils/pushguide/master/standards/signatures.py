"""Signatures at submit: a module that asks for them gets no artifact without one."""

from __future__ import annotations

from pushguide.errors import BadVersion
from pushguide.master.templates.library import ModuleTemplate
from pushguide.share import Artifact


def demand_signature(chosen: ModuleTemplate, artifact: Artifact | None) -> None:
    """Refuse an artifact without a signature, where the template requires one.

    Raises:
        BadVersion: it has none.
    """
    wanted = chosen.template.signature
    if artifact is None or artifact.signature or not (wanted and wanted.required):
        return
    raise BadVersion(
        f"The artifact {artifact.name} of {chosen.module} {artifact.version} has no signature, and "
        f"the template requires one (signature:required). Let CI sign it with one of "
        f"{', '.join(wanted.signed_by)} (gpg --detach-sign), and publish {artifact.name}.asc or "
        f"{artifact.name}.sig beside it."
    )
