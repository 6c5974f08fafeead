"""Settings of ``gated``: plain files, and gates at which a deployment can be held."""

from pushguide.master.fields import TypeSettings


class Settings(TypeSettings):
    """Plain files, and gates at which a deployment can be held."""
