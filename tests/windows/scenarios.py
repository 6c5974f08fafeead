"""What is shown for each project type on Windows, by the name that the closing table has for it.

A test says which of these it shows with ``@pytest.mark.scenario(project_type, name)``.
"""

from __future__ import annotations

FIRST = "first deployment"
SECOND = "second version"
FAILED_HEALTH = "failed health, old version back"
ROLLBACK = "rollback by choice"
OFFLINE = "retry after an offline host"
AGAIN = "again, nothing changes"
LOCKED_FILE = "locked file"
DOES_NOT_STOP = "old one does not stop"
MASTER_RESTARTS = "master restarts in mid-stage"
INJECTED = "injected failures, step by step"

SCENARIOS = (
    FIRST,
    SECOND,
    FAILED_HEALTH,
    ROLLBACK,
    OFFLINE,
    AGAIN,
    LOCKED_FILE,
    DOES_NOT_STOP,
    MASTER_RESTARTS,
    INJECTED,
)

#: The project types that are shown, in the order of the table's columns.
PROJECT_TYPES = ("windows_service", "dotnet_iis", "windows_task", "static_site")
