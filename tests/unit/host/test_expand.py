"""What differs from host to host: {id} and {grain.<name>}."""

from __future__ import annotations

from typing import Any

import pytest

from pushguide.errors import Refused
from pushguide.host.expand import expand
from pushguide.share import Share
from pushguide.words import SUCCEEDED
from tests.support.host import Host

GRAINS = {
    "dc": "fra1",
    "port": 8081,
    "shop": {"tier": "web", "deep": {"er": "x"}},
    "roles": ["web"],
    "path": "../../etc",
    "hidden": ".ssh",
    "words": "two words",
    "empty": "",
}


def share(**fields: Any) -> Share:
    given: dict[str, Any] = {"root": "/srv/shop", "settings": {}, **fields}
    return Share(
        module="shop",
        environment="production",
        type="service",
        kind="deploy",
        deployment=1,
        token=1,
        version="1",
        artifact=None,
        **given,
    )


def test_root_settings_and_probe_are_filled_in() -> None:
    filled = expand(
        share(
            root="/srv/{grain.dc}/{id}/shop",
            settings={
                "port": "{grain.port}",
                "command": ["run", "--tier={grain.shop:tier}", "{grain.shop:deep:er}"],
                "environment": {"HOST": "{id}"},
                "unpack": False,
            },
            probe={"url": "http://127.0.0.1:{grain.port}/", "text": "{version}", "status": [200]},
        ),
        "web1.example",
        GRAINS,
    )
    assert filled.root == "/srv/fra1/web1.example/shop"
    assert filled.settings == {
        "port": "8081",
        "command": ["run", "--tier=web", "x"],
        "environment": {"HOST": "web1.example"},
        "unpack": False,
    }
    assert filled.probe == {
        "url": "http://127.0.0.1:8081/",
        "text": "{version}",
        "status": [200],
    }


def test_warm_up_drain_and_lists_of_probes_too() -> None:
    filled = expand(
        share(
            probe=[{"kind": "tcp", "port": "{grain.port}"}, {"words": ["check", "/srv/{id}"]}],
            warm_up={"urls": ["http://127.0.0.1:{grain.port}/"]},
            drain={"server": "{id}", "out": {"kwarg": {"pool": ["{grain.dc}"]}}},
        ),
        "web1",
        GRAINS,
    )
    assert filled.probe == [{"kind": "tcp", "port": "8081"}, {"words": ["check", "/srv/web1"]}]
    assert filled.warm_up == {"urls": ["http://127.0.0.1:8081/"]}
    assert filled.drain == {"server": "web1", "out": {"kwarg": {"pool": ["fra1"]}}}


def test_configuration_but_not_what_is_filled_in_later() -> None:
    given = {"kind": "json", "file": "{id}.json", "values": {"{id}": ["{grain.dc}", "{pillar.x}"]}}
    (filled,) = expand(share(configuration=[given]), "web1", GRAINS).configuration
    assert filled == {**given, "file": "web1.json", "values": {"{id}": ["fra1", "{pillar.x}"]}}


def test_a_share_without_places_stays_as_it_is() -> None:
    plain = share(settings={"command": "awk {print} {}"})
    assert expand(plain, "web1", {}) == plain


@pytest.mark.parametrize(
    "place",
    [
        "{grain.none}",
        "{grain.shop}",
        "{grain.shop:none}",
        "{grain.dc:deeper}",
        "{grain.roles}",
        "{grain.path}",
        "{grain.hidden}",
        "{grain.words}",
        "{grain.empty}",
    ],
)
def test_what_has_no_place_in_a_path_is_refused_by_name(place: str) -> None:
    with pytest.raises(Refused) as error:
        expand(share(root=f"/srv/{place}"), "web1", GRAINS)
    assert place in str(error.value)


def test_every_problem_is_named_once() -> None:
    with pytest.raises(Refused) as error:
        expand(share(root="/{grain.a}/{grain.b}", settings={"x": "{grain.a}"}), "web1", {})
    assert [one.partition(" ")[0] for one in error.value.problems] == ["{grain.a}", "{grain.b}"]


def test_a_host_fills_in_its_own(host: Host) -> None:
    host.grains = {"dc": "fra1"}
    share = host.share("1", root=f"{host.root}/{{grain.dc}}-{{id}}")
    (host.root / "fra1-web1").mkdir()
    assert host.run(share)["outcome"] == SUCCEEDED
    assert (host.root / "fra1-web1" / "live" / "health").read_text() == "version 1\n"


def test_a_host_that_lacks_a_grain_changes_nothing(host: Host) -> None:
    with pytest.raises(Refused, match=r"grain\.dc"):
        host.deploy("1", root=f"{host.root}/{{grain.dc}}")
    assert list(host.root.iterdir()) == []
    assert not host.journal_path.exists()
