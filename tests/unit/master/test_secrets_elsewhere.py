"""What is secret in the master's configuration may be kept elsewhere: Salt fetches ``sdb://``."""

from __future__ import annotations

from pathlib import Path

import pytest
import salt.config
import yaml

from pushguide.master.config import Config

DATABASE = "postgresql+psycopg://pushguide:correct-horse@db.example.com/pushguide"
ADDRESS = "wecombot://693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"


def test_salt_fetches_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHGUIDE_DATABASE", DATABASE)
    monkeypatch.setenv("PUSHGUIDE_WECOM", ADDRESS)
    written = {
        "kept": {"driver": "env"},
        "root_dir": str(tmp_path),
        "pushguide": {
            "database": "sdb://kept/PUSHGUIDE_DATABASE",
            "notifications": {
                "channels": {"operations": {"urls": ["sdb://kept/PUSHGUIDE_WECOM"]}},
                "rules": [{"events": ["failed"], "channels": ["operations"]}],
            },
        },
    }
    (tmp_path / "master").write_text(yaml.safe_dump(written))
    found = Config.from_opts(salt.config.master_config(str(tmp_path / "master")))
    assert found.database == DATABASE
    assert found.notifications is not None
    assert found.notifications.channels["operations"].urls == [ADDRESS]
