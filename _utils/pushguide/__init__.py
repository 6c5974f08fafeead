"""pushguide: self-service releases, wholly inside Salt."""

__version__ = "0.1.0"
