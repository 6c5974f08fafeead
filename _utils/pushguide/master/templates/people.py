"""What templates and the master's pillar say about people: who has which role."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pushguide.master.fields import Strict, help_of
from pushguide.master.roles import ROLES

#: Somebody: a name as Salt has it, a group with % before it, or * for whoever has logged in.
PERSON_PATTERN = r"^(\*|%?[A-Za-z0-9_][\w.@+\\ -]{0,126})$"
Person = Annotated[str, Field(pattern=PERSON_PATTERN)]


class People(Strict):
    """Who has which role. Each role may do all that the ones before it may."""

    viewer: list[Person] = help_of(
        "Who may look: at versions, plans, deployments, statistics.", ["*"], default=[]
    )
    deployer: list[Person] = help_of(
        "Who may deploy, go back, and do what a running deployment asks for.",
        ["alice", "%release"],
        default=[],
    )
    maintainer: list[Person] = help_of(
        "Who may change the template, waive rules of the code standards and override a freeze.",
        ["bob"],
        default=[],
    )
    admin: list[Person] = help_of("Who may say who has which role.", ["carol"], default=[])

    def role_of(self, names: frozenset[str]) -> str | None:
        """The highest role of somebody.

        Args:
            names: what they are called here: their name, their groups with % before them, and *.
        """
        return next((one for one in reversed(ROLES) if names & {*getattr(self, one)}), None)


class Team(Strict):
    """A team: the modules whose templates name it are its own."""

    description: str = help_of("What the team is.", "The shop", default="")
    people: People = People()
