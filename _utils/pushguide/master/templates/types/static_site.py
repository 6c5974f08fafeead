"""Settings of ``static_site``: plain files behind a link."""

from __future__ import annotations

from pushguide.master.fields import AbsolutePath, TypeSettings, help_of


class Settings(TypeSettings):
    """Plain files behind a link."""

    link: AbsolutePath | None = help_of(
        "The link that the web server has as its document root. <root>/live if not given.",
        "/var/www/shop",
        default=None,
    )
