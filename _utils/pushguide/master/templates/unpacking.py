"""What a template says about unpacking artifacts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pushguide import share
from pushguide.master.fields import Strict, help_of

_DEFAULTS: dict[str, Any] = share.Unpacking._field_defaults


class Access(Strict):
    """What an account may do with the files of a release on Windows."""

    account: Annotated[str, Field(pattern=r'^[^\x00-\x1f"/:;|=,+*?<>\[\]]{1,256}$')] = help_of(
        "The user or group, with its domain where it has one.", r"IIS AppPool\shop"
    )
    rights: Literal["read", "read_execute", "modify", "full_control"] = help_of(
        "What it may do.", "read_execute"
    )


class Unpacking(Strict):
    """How an artifact becomes a release directory."""

    unchanged: Literal["copy", "reflink", "hard_link"] = help_of(
        "What becomes of files that the release before has already.",
        "hard_link",
        default=_DEFAULTS["unchanged"],
    )
    max_entries: Annotated[int, Field(ge=1, le=5_000_000)] = help_of(
        "The most files, directories and links.", default=_DEFAULTS["max_entries"]
    )
    max_total_mb: Annotated[int, Field(ge=1)] = help_of(
        "The most that it may unpack to, in MiB.", default=_DEFAULTS["max_total_mb"]
    )
    max_ratio: Annotated[float, Field(ge=1)] = help_of(
        "How many times its own length it may unpack to; 256 MiB are free.",
        default=_DEFAULTS["max_ratio"],
    )
    user: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_.-]{0,31}\$?$")] | None = help_of(
        "The user that the files belong to; else the one that the minion runs as.",
        "shop",
        default=None,
    )
    access: list[Access] = help_of(
        "On Windows, who gets access beside those whose rights the files inherit from the root.",
        [{"account": r"IIS AppPool\shop", "rights": "read_execute"}],
        default=[],
    )

    @model_validator(mode="after")
    def _shared_files_have_one_owner(self) -> Unpacking:
        if self.unchanged == "hard_link" and self.user:
            raise ValueError(
                "hard_link and user do not go together: two releases share a file, and its owner "
                "could write to both"
            )
        if self.unchanged == "hard_link" and self.access:
            raise ValueError(
                "hard_link and access do not go together: two releases share a file with its "
                "rights, and what is given for one holds for the other"
            )
        if self.user and self.access:
            raise ValueError("give either user, which is for Linux, or access, for Windows")
        return self
