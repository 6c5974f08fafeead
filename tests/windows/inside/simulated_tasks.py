"""SIMULATED Task Scheduler: to come."""


def stand_in() -> None:
    """Nothing yet."""
