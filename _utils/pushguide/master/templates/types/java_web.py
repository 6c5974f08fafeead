"""Settings of ``java_web``: a WAR on Tomcat, one CATALINA_BASE for each module."""

from __future__ import annotations

from typing import Annotated

from pushguide.master.fields import (
    AbsolutePath,
    Bounded,
    OneLine,
    Port,
    Seconds,
    TypeSettings,
    help_of,
)

_PATH_PART = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"


class Settings(TypeSettings):
    """A Java web application on Tomcat."""

    catalina_base: AbsolutePath = help_of(
        "The Tomcat instance of this module: the directory with its conf/server.xml.",
        "/srv/tomcat/shop",
    )
    catalina_home: AbsolutePath = help_of(
        "Where Tomcat itself is installed.", default="/usr/share/tomcat10"
    )
    java_home: AbsolutePath | None = help_of(
        "The Java runtime. The one on the PATH if not given.", default=None
    )
    context_path: str = help_of(
        "The path of the application.",
        "/shop",
        default="/",
        pattern=r"^/([A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*)?$",
    )
    engine: str = help_of("The name of Tomcat's engine.", default="Catalina", pattern=_PATH_PART)
    virtual_host: str = help_of(
        "The name of Tomcat's virtual host.", default="localhost", pattern=_PATH_PART
    )
    port: Port | None = help_of(
        "The connector's port. Out of conf/server.xml if not given.", 8080, default=None
    )
    systemd_unit: Annotated[OneLine, Bounded("services")] | None = help_of(
        "The systemd unit that runs this instance. bin/catalina.sh if not given.",
        "tomcat-shop.service",
        default=None,
    )
    user: Annotated[OneLine, Bounded("accounts", or_else="systemd_unit")] | None = help_of(
        "The user that catalina.sh runs as. The minion's own if not given.",
        "tomcat",
        default=None,
    )
    environment: dict[str, str] = help_of(
        "Variables for catalina.sh. A secret is given as {pillar.<path>}.",
        {"CATALINA_OPTS": "-Xmx1g"},
        default={},
    )
    stop_timeout_seconds: Seconds = help_of(
        "How long Tomcat may take to stop before it is forced.", default=30
    )
    start_timeout_seconds: Seconds = help_of(
        "How long Tomcat may take until its port answers.", default=120
    )
    settle_seconds: Seconds = help_of(
        "How long Tomcat must stay alive to count as started.", default=1
    )
