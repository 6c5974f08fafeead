"""Tomcat's context descriptor, and what is read out of its configuration: without a Tomcat."""

from __future__ import annotations

import os
import stat
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from pushguide.errors import StepFailed
from pushguide.host.pillar import Secrets
from pushguide.host.types.java_web import ContextDescriptor, Tomcat


@pytest.fixture
def descriptor(tmp_path: Path) -> ContextDescriptor:
    one = ContextDescriptor(str(tmp_path / "conf" / "Catalina" / "localhost" / "ROOT.xml"))
    one.check()
    return one


def text(descriptor: ContextDescriptor) -> str:
    with open(descriptor.path, encoding="utf-8", newline="") as handle:
        return handle.read()


def test_a_new_descriptor(descriptor: ContextDescriptor) -> None:
    assert (descriptor.read(), descriptor.save()) == (None, None)
    descriptor.point_at("/srv/shop/releases/1-1")
    assert descriptor.read() == "/srv/shop/releases/1-1"
    assert ET.fromstring(text(descriptor)).tag == "Context"
    descriptor.restore(None)
    assert os.listdir(os.path.dirname(descriptor.path)) == []
    descriptor.restore(None)


def test_odd_characters_in_a_path(descriptor: ContextDescriptor) -> None:
    path = "/srv/a&b <c> 'd' \"e\" \\1 ü"
    for _ in range(2):
        descriptor.point_at(path)
        assert descriptor.read() == path


RICH = """<?xml version="1.0" encoding="UTF-8"?>
<!-- For example <Context docBase="/example"> -->
<Context {}path="" reloadable="false"
         sessionCookieName="a>b">
  <!-- docBase="/srv/old" is what ran here once -->
  <Resource name="jdbc/shop" password="secret" docBase="not this one"/>
</Context>
"""


@pytest.mark.parametrize("old", ['docBase="/srv/old" ', "docBase = '/srv/old'\n ", ""])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_all_else_that_stands_there_stays(
    descriptor: ContextDescriptor, old: str, newline: str
) -> None:
    before = RICH.format(old).replace("\n", newline)
    Path(descriptor.path).write_text(before, encoding="utf-8", newline="")
    saved = descriptor.save()
    assert saved == ("/srv/old" if old else "")
    descriptor.point_at("/srv/new")
    after = text(descriptor)
    assert ET.fromstring(after).get("docBase") == "/srv/new"
    for line in before.splitlines(keepends=True):
        assert line in after or line.lstrip().startswith(("<Context", "path="))
    assert 'sessionCookieName="a>b"' in after
    descriptor.restore(saved)
    assert descriptor.read() == (saved or None)
    assert (
        text(descriptor).split()
        == before.replace("docBase = '/srv/old'", 'docBase="/srv/old"').split()
    )


def test_what_is_saved_holds_no_secret(descriptor: ContextDescriptor) -> None:
    Path(descriptor.path).write_text(RICH.format('docBase="/srv/old" '))
    assert "secret" not in str(descriptor.save())
    assert descriptor.to("/srv/new") == "/srv/new"


def test_a_descriptor_keeps_its_mode(descriptor: ContextDescriptor) -> None:
    path = Path(descriptor.path)
    path.write_text(RICH.format(""))
    path.chmod(0o640)
    descriptor.point_at("/srv/new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("content", ["", "<Context", "<Context><Context>"])
def test_a_descriptor_that_does_not_read_is_named(
    descriptor: ContextDescriptor, content: str
) -> None:
    Path(descriptor.path).write_text(content)
    with pytest.raises(StepFailed, match="Mend or remove it") as error:
        descriptor.read()
    assert descriptor.path in str(error.value)


def test_a_descriptor_without_a_context(descriptor: ContextDescriptor) -> None:
    Path(descriptor.path).write_text("<!-- <Context/> --><Server/>")
    with pytest.raises(StepFailed, match="no <Context> element"):
        descriptor.point_at("/srv/new")
    assert text(descriptor) == "<!-- <Context/> --><Server/>"


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("")
    with pytest.raises(StepFailed, match="for Tomcat's context failed"):
        ContextDescriptor(str(tmp_path / "conf" / "Catalina" / "ROOT.xml")).check()


# What the settings mean.


def tomcat(base: Path | str, **settings: Any) -> Tomcat:
    return Tomcat({"catalina_base": str(base), **settings})


@pytest.mark.parametrize(
    ("context_path", "name"),
    [(None, "ROOT"), ("/", "ROOT"), ("/shop", "shop"), ("/shop/admin/", "shop#admin")],
)
def test_the_names_of_contexts(context_path: str | None, name: str) -> None:
    one = tomcat("/srv/t/", context_path=context_path)
    assert one.descriptor_path == f"/srv/t/conf/Catalina/localhost/{name}.xml"
    assert one.compiled_dir == os.path.join("/srv/t", "work", "Catalina", "localhost", name, "org")


def test_another_engine_and_host() -> None:
    one = tomcat("/srv/t", engine="Shop", virtual_host="shop.example")
    assert one.descriptor_path == "/srv/t/conf/Shop/shop.example/ROOT.xml"


@pytest.mark.parametrize(
    ("server", "port"),
    [
        ('<Connector port="8080"/>', 8080),
        ('<!-- <Connector port="1"/> --><Connector port="8081" protocol="HTTP/1.1"/>', 8081),
        ('<Connector port="8009" protocol="AJP/1.3"/><Connector port="8082"/>', 8082),
        ('<Connector port="${http.port}"/>', None),
        ('<Connector port="-1"/>', None),
        ("", None),
        ("<", None),
    ],
)
def test_the_port_of_the_connector(tmp_path: Path, server: str, port: int | None) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "server.xml").write_text(f"<Server><Service>{server}</Service></Server>")
    assert tomcat(tmp_path).connector_port() == port


def test_no_configuration_has_no_port(tmp_path: Path) -> None:
    assert tomcat(tmp_path).connector_port() is None


def test_variables_out_of_the_pillar_reach_its_script_alone(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "catalina.sh"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\necho "with $CATALINA_OPTS"\nexit 3\n')
    script.chmod(0o755)
    secrets = Secrets({"pillar.get": lambda *_, **__: "trust-store-word"})
    settings = {
        "catalina_base": str(tmp_path),
        "catalina_home": str(tmp_path),
        "environment": {"CATALINA_OPTS": "-Dpassword={pillar.shop:key}"},
    }
    with pytest.raises(StepFailed, match="exited 3: with -Dpassword=trust-store-word") as caught:
        Tomcat(settings, secrets).start()
    assert "exited 3: with -Dpassword=***" in secrets.hidden(str(caught.value))
