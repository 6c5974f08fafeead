"""Load what tests use of Salt, so that Python writes what it compiled beside it."""

from __future__ import annotations

import sys

sys.path.insert(0, r"C:\lab")

import minion  # it lies there

functions = minion.functions()
for name in ("file.file_exists", "service.status", "task.list_tasks", "reg.read_value"):
    assert name in functions, f"Salt has no {name} here"
