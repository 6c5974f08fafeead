"""Settings of ``note_file``: plain files, and a note of the live version."""

from pushguide.master.fields import OneLine, TypeSettings, help_of


class Settings(TypeSettings):
    """Plain files, and a note of the live version."""

    text: OneLine = help_of("What the note says. {version} becomes the version.", "{version}")
