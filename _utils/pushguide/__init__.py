"""pushguide: self-service releases, wholly inside Salt."""

__version__ = "0.2.0.dev0"
