"""Plain files behind a link that a web server has as its document root."""

from __future__ import annotations

import os

from pushguide.host.base import ProjectType
from pushguide.host.pointer import Pointer, link_at


class StaticSite(ProjectType):
    """Files behind a symbolic link, on Windows behind a junction."""

    def make_pointer(self) -> Pointer:
        """The link that the web server follows: the setting ``link``, or ``<root>/live``."""
        return link_at(self.settings.get("link") or os.path.join(self.share.root, "live"))
