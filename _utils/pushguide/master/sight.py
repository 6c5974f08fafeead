"""Sight: the modules and environments that somebody may know of."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True)
class Sight:
    """What somebody may know of.

    Attributes:
        modules: the modules that are seen in all their environments.
        places: of other modules the environments that are seen.
        is_all: whether everything is.
    """

    modules: frozenset[str] = frozenset()
    places: frozenset[tuple[str, str]] = frozenset()
    is_all: bool = False

    def __bool__(self) -> bool:
        return self.is_all or bool(self.modules or self.places)

    def sees(self, module: str, environment: str | None = None) -> bool:
        """Whether a module is seen, in an environment or in any."""
        if self.is_all or module in self.modules:
            return True
        if environment is None:
            return any(name == module for name, _ in self.places)
        return (module, environment) in self.places

    def of(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """A condition on rows that have a module and an environment."""
        if self.is_all:
            return sa.true()
        pairs = sa.tuple_(table.c.module, table.c.environment)
        in_places = pairs.in_(sorted(self.places)) if self.places else sa.false()
        return sa.or_(table.c.module.in_(sorted(self.modules)), in_places)


EVERYTHING_SEEN = Sight(is_all=True)
