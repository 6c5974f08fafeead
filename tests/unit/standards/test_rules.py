"""The built-in rules, case by case, and the kinds that teams may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pushguide.errors import Refused
from pushguide.standards.builtin import BUILT_IN
from pushguide.standards.checking import MOST_FINDINGS, check, to_look_into
from pushguide.standards.globs import problem_of
from pushguide.standards.kinds import CHECKS, Facts
from pushguide.standards.listing import DIRECTORY, LINK, MOST_OF_ONE_FILE, Entry, Listing
from pushguide.standards.rules import ERROR, KINDS, WARNING, Finding, Rule, digest_of

Content = Mapping[str, "bytes | int | str"]
RSA = b"-----BEGIN RSA PRIVATE KEY-----\nMII"


def listing_of(content: Content) -> Listing:
    """A listing: of each path its content, its size, or ``-> target``; '/' ends a directory."""
    entries, beginnings = [], {}
    for path, what in content.items():
        if isinstance(what, str):
            entries.append(Entry(path, LINK, target=what.removeprefix("-> ")))
        elif isinstance(what, bytes):
            entries.append(Entry(path, size=len(what)))
            beginnings[path] = what[:MOST_OF_ONE_FILE]
        elif path.endswith("/"):
            entries.append(Entry(path.rstrip("/"), DIRECTORY))
        else:
            entries.append(Entry(path, size=what))
    return Listing(entries, beginnings)


def found(content: Content, project_type: str = "", has_probe: bool = True) -> list[Finding]:
    """What the built-in rules find."""
    rules = [one for one in BUILT_IN if one.holds_for(project_type)]
    return check(rules, listing_of(content), Facts(has_probe))


#: Of each case what lies in the release, and the rules with the paths that they tell.
CASES: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "a log": ({"a/app.LOG": 1}, {("no-logs", "a/app.LOG")}),
    "a log that was turned": ({"app.log.3": 1}, {("no-logs", "app.log.3")}),
    "a changelog": ({"CHANGELOG.md": 1, "catalog": 1, "log.js": 1}, set()),
    "a log directory": ({"logs/x.txt": 1, "logs/y": 1}, {("no-log-directory", "logs")}),
    "an empty log directory": ({"logs/": 0}, {("no-log-directory", "logs")}),
    "a package named log": ({"WEB-INF/classes/com/acme/log/Log.class": 1}, set()),
    "dumps": (
        {"java_pid1.hprof": 1, "core.123": 1, "a.dmp": 1, "core.js": 1},
        {("no-dumps", "java_pid1.hprof"), ("no-dumps", "core.123"), ("no-dumps", "a.dmp")},
    ),
    "a repository": (
        {".git/config": 1, ".git/HEAD": 1, "lib/x/.git": 1, ".gitignore": 1},
        {("no-vcs", ".git"), ("no-vcs", "lib/x/.git")},
    ),
    "backups": (
        {"a.php.bak": 1, "b~": 1, "c.orig": 1, ".d.swp": 1},
        {("no-backups", name) for name in ("a.php.bak", "b~", "c.orig", ".d.swp")},
    ),
    "an editor's": (
        {".idea/a.xml": 1, ".vscode/b": 1, "x.iml": 1},
        {("no-ide-files", name) for name in (".idea", ".vscode", "x.iml")},
    ),
    "a private key by name": (
        {"ssh/id_rsa": 1, "ssh/id_rsa.pub": 1},
        {("no-private-keys", "ssh/id_rsa")},
    ),
    "a private key by content": (
        {"tls/server.key": b"x\n" + RSA, "tls/server.crt": b"-----BEGIN CERTIFICATE"},
        {("no-private-keys", "tls/server.key")},
    ),
    "a private key in a setting": ({"a.yml": b"key: |\n  " + RSA}, {("no-private-keys", "a.yml")}),
    "an environment file": (
        {".env": 1, "x/.env.production": 1, ".env.example": 1},
        {("no-environment-files", ".env"), ("no-environment-files", "x/.env.production")},
    ),
    "a keystore": (
        {"a.p12": 1, "b.jks": 1},
        {("no-keystores", "a.p12"), ("no-keystores", "b.jks")},
    ),
    "absolute links": (
        {"a": "-> /etc/passwd", "b": "-> C:\\x", "c": "-> ../c", "d": "-> \\\\server\\x"},
        {("no-absolute-links", "a"), ("no-absolute-links", "b"), ("no-absolute-links", "d")},
    ),
    "a script of Windows": (
        {"a.sh": b"#!/bin/sh\r\necho\r\n", "b.sh": b"echo\r\n", "c.sh": b"#!/bin/sh\necho\n"},
        {("script-line-endings", "a.sh")},
    ),
    "a script with a mark": (
        {"a.py": b"\xef\xbb\xbf#!/usr/bin/python\n", "b.py": b"\xef\xbb\xbfprint()\n"},
        {("script-byte-order-mark", "a.py")},
    ),
    "a script that is no UTF-8": (
        {"a.sh": b"echo \xe4\n", "b.sh": "echo ä\n".encode()},
        {("script-encoding", "a.sh")},
    ),
    "a script cut inside a character": (
        {"a.sh": b"x" * (MOST_OF_ONE_FILE - 1) + "ä".encode()},
        set(),
    ),
    "batches": ({"a.bat": b"echo\r\n", "b.cmd": b"echo\n"}, {("batch-line-endings", "b.cmd")}),
    "a large file": ({"a.iso": 513 * 2**20}, {("max-file-size", "a.iso")}),
    "a large release": ({f"{n}": 500 * 2**20 for n in range(5)}, {("max-total-size", "")}),
    "many files": ({f"{n}": 0 for n in range(50_001)}, {("max-files", "")}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_found(case: str) -> None:
    content, wanted = CASES[case]
    told = found(content)
    assert {(one.rule, one.path) for one in told} == wanted
    assert len(told) == len(wanted)
    assert all(one.why and one.mend for one in told)


def test_every_built_in_rule_has_a_case() -> None:
    told = {rule for _, wanted in CASES.values() for rule, _ in wanted}
    elsewhere = {
        "readable",
        "untouched",
        "health-declared",
        "web-descriptor",
        "web-config",
        "index-page",
    }
    assert told | elsewhere == {one.name for one in BUILT_IN}


JAVA: dict[str, tuple[dict[str, Any], bool]] = {
    "a descriptor": ({"WEB-INF/web.xml": 1}, True),
    "an initializer among the classes": (
        {"WEB-INF/classes/META-INF/services/jakarta.servlet.ServletContainerInitializer": 1},
        True,
    ),
    "an annotated servlet": (
        {"WEB-INF/classes/com/A.class": b"\xca\xfe..Ljakarta/servlet/annotation/WebServlet;.."},
        True,
    ),
    "an older annotation": (
        {"WEB-INF/classes/A.class": b"\xca\xfe..Ljavax/servlet/annotation/WebServlet;.."},
        True,
    ),
    "a library with an initializer": (
        {"WEB-INF/lib/x.jar": b"PK..META-INF/services/javax.servlet.ServletContainerInitializer"},
        True,
    ),
    "spring boot": ({"WEB-INF/lib/spring-boot-3.2.0.jar": 1}, True),
    "classes that are no servlets": ({"WEB-INF/classes/A.class": b"\xca\xfe.."}, False),
    "a directory too deep": ({"shop/WEB-INF/web.xml": 1}, False),
    "nothing": ({"a.jsp": 1}, False),
}


@pytest.mark.parametrize("case", JAVA)
def test_what_makes_a_web_application(case: str) -> None:
    content, is_one = JAVA[case]
    told = [one for one in found(content, "java_web") if one.rule == "web-descriptor"]
    assert bool(told) is not is_one
    assert all(one.level == ERROR for one in told)
    assert "web-descriptor" not in {one.rule for one in found(content, "service")}


def test_what_was_not_looked_into_proves_no_error() -> None:
    rules = [one for one in BUILT_IN if one.name == "web-descriptor"]
    unseen = "WEB-INF/classes/A.class"
    listing = Listing([Entry(unseen, size=9)], unseen=frozenset({unseen}))
    (told,) = check(rules, listing, Facts())
    assert told.level == WARNING
    assert "1 files were not looked into, such as WEB-INF/classes/A.class" in told.what


def test_what_types_need() -> None:
    def lacks(content: Content, project_type: str) -> list[tuple[str, str]]:
        return [(one.rule, one.level) for one in found(content, project_type)]

    assert lacks({"index.htm": 1}, "static_site") == []
    assert lacks({"a/index.html": 1}, "static_site") == [("index-page", WARNING)]
    assert lacks({"Web.config": 1}, "dotnet_iis") == []
    assert lacks({"bin/a.dll": 1}, "dotnet_iis") == [("web-config", ERROR)]


def test_a_probe_has_to_be_declared() -> None:
    (told,) = found({"a": 1}, has_probe=False)
    assert (told.rule, told.level) == ("health-declared", WARNING)


def test_what_does_not_read_is_one_error() -> None:
    listing = Listing([Entry("a.log")], unreadable="is neither zip nor tar")
    (told,) = check(BUILT_IN, listing, Facts())
    assert (told.rule, told.level, told.what) == ("readable", ERROR, "is neither zip nor tar")


def test_what_was_written_since_the_release() -> None:
    entries = [Entry("a", touched=True), Entry("__pycache__/a.pyc", touched=True), Entry("b")]
    rules = [one for one in BUILT_IN if one.on_hosts]
    assert [(one.rule, one.path) for one in check(rules, Listing(entries), Facts())] == [
        ("untouched", "a")
    ]


def test_only_so_many_findings_are_told_one_by_one() -> None:
    told = found({f"{n}.log": 1 for n in range(MOST_FINDINGS + 3)})
    assert len(told) == MOST_FINDINGS + 1
    assert (told[-1].path, told[-1].what) == ("", "holds 3 more of the kind")


def test_a_directory_that_is_let_pass_lets_all_in_it_pass() -> None:
    rule = Rule("r", "forbidden", ERROR, patterns=("*.log",), unless=("/vendor/",))
    told = check([rule], listing_of({"vendor/x/a.log": 1, "b.log": 1}), Facts())
    assert [one.path for one in told] == ["b.log"]


def test_what_has_to_be_looked_into() -> None:
    java = [one for one in BUILT_IN if one.holds_for("java_web")]
    entries = [Entry(name, size=1) for name in ("WEB-INF/lib/a.jar", "a.sh", "b.key", "c.txt", "d")]
    assert {one.path for one in to_look_into(java, entries)} == {
        "WEB-INF/lib/a.jar",
        "a.sh",
        "b.key",
        "c.txt",
    }
    entries.append(Entry("WEB-INF/web.xml", size=1))
    assert "WEB-INF/lib/a.jar" not in {one.path for one in to_look_into(java, entries)}


def test_rules_travel() -> None:
    for rule in BUILT_IN:
        assert Rule.from_dict(rule.to_dict()) == rule
        short = Rule.from_dict(rule.for_host())
        assert (short.name, short.kind, short.level) == (rule.name, rule.kind, rule.level)
    rule = {"name": "x", "kind": "forbidden", "level": ERROR}
    for more, told in (
        ({"colour": "red"}, "colour"),
        ({"kind": "odd"}, "there is no kind 'odd'"),
        ({"patterns": ["a[b"]}, "close"),
    ):
        with pytest.raises(Refused, match=told):
            Rule.from_dict({**rule, **more})


def test_the_digest_tells_rules_apart() -> None:
    one, other = BUILT_IN[1], BUILT_IN[2]
    digests = {
        digest_of([one], {}),
        digest_of([other], {}),
        digest_of([one, other], {}),
        digest_of([one], {"has_probe": False}),
    }
    assert len(digests) == 4
    assert digest_of([one], {}) == digest_of([Rule(**vars(one))], {})


def test_the_built_in_rules_are_sound() -> None:
    assert {*KINDS} == {*CHECKS}
    assert len({one.name for one in BUILT_IN}) == len(BUILT_IN)
    for rule in BUILT_IN:
        assert rule.reason
        assert rule.mend
        assert not [p for p in (*rule.patterns, *rule.unless, *rule.look_into) if problem_of(p)]
