"""A module that tests deploy to the Windows Python: what CI builds, and what the master says."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from pushguide.share import Artifact, Share
from pushguide.words import STAGES
from tests.windows.channel import Windows


class Module:
    """One module on one Windows host.

    Args:
        windows: the host.
        name: the module's name.
        project_type: its type.
        settings: the settings of its type.
        given: more fields of its shares.
    """

    def __init__(
        self,
        windows: Windows,
        name: str,
        project_type: str,
        settings: Mapping[str, Any],
        **given: Any,
    ) -> None:
        self.windows = windows
        self.name = name
        self.project_type = project_type
        self.settings = dict(settings)
        self.given = given
        self.number = 0
        self.root = windows.drive / "srv" / name
        self.built: dict[str, Artifact] = {}

    def build(self, version: str, files: Mapping[str, bytes]) -> Artifact:
        """What CI does."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in files.items():
                archive.writestr(path, content)
        content = packed.getvalue()
        place = self.windows.drive / "artifacts" / self.name
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{version}.zip").write_bytes(content)
        url = f"file:///C:/artifacts/{self.name}/{version}.zip"
        digest = hashlib.sha256(content).hexdigest()
        self.built[version] = Artifact(version, url, f"{version}.zip", digest, len(content))
        return self.built[version]

    def deploy(
        self,
        version: str,
        kind: str = "deploy",
        stages: Sequence[str] = STAGES,
        failing: Sequence[str] = (),
        pillar: Mapping[str, Any] | None = None,
        missing: Sequence[str] = (),
        home: str | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """Run the stages of a new deployment.

        Args:
            version: the version.
            kind: of deployment.
            stages: the stages.
            failing: Salt's functions that fail this time.
            pillar: values of the host's pillar, by their paths.
            missing: Salt's functions that are not there.
            home: the minion's directory, if modules share one.
            changes: fields of the share; ``settings`` are laid over the module's.
        """
        share = self.share(version, kind, **changes)
        answer: dict[str, Any] = self.windows.call(
            "deployments.run",
            self.project_type,
            share,
            [*stages],
            [*failing],
            pillar=pillar,
            missing=[*missing],
            home=home,
        )
        return answer

    def share(self, version: str, kind: str = "deploy", **changes: Any) -> dict[str, Any]:
        """What the master says of a new deployment; ``settings`` are laid over the module's."""
        self.number += 1
        settings = {**self.settings, **changes.pop("settings", {})}
        share = Share(
            module=self.name,
            environment="production",
            type=self.project_type,
            kind=kind,
            deployment=self.number,
            token=self.number,
            version=version,
            artifact=self.built[version] if kind == "deploy" else None,
            settings=settings,
            **{"root": rf"C:\srv\{self.name}", "min_free_mb": 0, **self.given, **changes},
        )
        plain: dict[str, Any] = json.loads(json.dumps(share.to_dict()))
        return plain

    def journal(self) -> dict[str, Any]:
        """What the host's journal says."""
        opts = self.windows.call("deployments.options", self.name)
        found: dict[str, Any] = self.windows.call(
            "pushguide.host.facts.journal", opts, self.name, "production"
        )
        return found

    def releases(self) -> list[str]:
        """The release directories on disk."""
        return sorted(one.name for one in (self.root / "releases").iterdir())
