"""Two masters in networks that are cut."""
