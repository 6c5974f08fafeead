"""Triggers of scheduled tasks: what Salt would drop in silence is refused in the template."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pushguide.master.templates.types.windows_task import Trigger


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ({"trigger_type": "Once"}, "Once wants start_date"),
        ({"trigger_type": "Weekly"}, "Weekly wants days_of_week"),
        ({"trigger_type": "Monthly"}, "Monthly wants days_of_month or last_day_of_month"),
        ({"trigger_type": "Daily", "days_of_week": ["Monday"]}, "days_of_week is for Weekly"),
        ({"trigger_type": "Daily", "days_interval": 2}, ""),
        ({"trigger_type": "Weekly", "days_of_week": ["Monday"], "weeks_interval": 2}, ""),
        ({"trigger_type": "Monthly", "last_day_of_month": True}, ""),
        ({"trigger_type": "Monthly", "days_of_month": [1, 15]}, ""),
    ],
)
def test_a_trigger_has_what_its_kind_needs_and_nothing_of_others(
    trigger: dict[str, Any], said: str
) -> None:
    if not said:
        assert Trigger(**trigger).trigger_type == trigger["trigger_type"]
        return
    with pytest.raises(ValidationError, match=said):
        Trigger(**trigger)


def test_a_monthly_trigger_is_for_each_month_unless_it_says_so() -> None:
    trigger = Trigger(trigger_type="Monthly", days_of_month=[1])
    assert trigger.months_of_year is not None
    assert len(trigger.months_of_year) == 12
    some = Trigger(trigger_type="Monthly", days_of_month=[1], months_of_year=["July"])
    assert some.months_of_year == ["July"]
