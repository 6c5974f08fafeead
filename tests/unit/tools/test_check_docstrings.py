"""The check that Salt's users find every function explained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import check_docstrings

GOOD_MODULE = '''
"""A loader file."""

__virtualname__ = "shop"
__func_alias__ = {"list_": "list"}


def __virtual__():
    return __virtualname__


def list_():
    """
    List what is there.

    CLI Example:

    .. code-block:: bash

        salt '*' shop.list
    """


def _private():
    pass


class Public:
    def method(self):
        pass
'''

GOOD_STATE = '''
def released(name):
    """
    Make it so.

    .. code-block:: yaml

        shop-web:
          shop.released: []
    """
'''


@pytest.fixture
def checkout(tmp_path):
    """Write loader files into a checkout of their own."""

    def write(**files):
        for folder, text in files.items():
            path = tmp_path / folder / "shop.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def found(checkout):
    """Return what the check says, without the paths."""
    return [(one.line, one.function, one.problem) for one in check_docstrings.check(checkout)]


def test_explained_functions_pass(checkout):
    assert found(checkout(_modules=GOOD_MODULE, _runners=GOOD_MODULE, _states=GOOD_STATE)) == []


@pytest.mark.parametrize("folder", check_docstrings.FOLDERS)
def test_a_function_without_docstring_is_found_in_each_folder(checkout, folder):
    assert found(checkout(**{folder: "\ndef start():\n    pass\n"})) == [
        (2, "shop.start", "no docstring")
    ]


@pytest.mark.parametrize("folder", ["_modules", "_runners"])
@pytest.mark.parametrize(
    "docstring",
    [
        "Say something.",
        "Say something.\n\n    CLI Example: none",
        "Say something.\n\n    CLI Example:\n\n    .. code-block:: bash\n\n    shop.start",
        "Say something.\n\n    .. code-block:: bash\n\n        salt '*' shop.start",
    ],
)
def test_a_command_needs_a_cli_example(checkout, folder, docstring):
    text = f'def start():\n    """{docstring}\n    """\n'
    assert found(checkout(**{folder: text})) == [
        (1, "shop.start", "no example under 'CLI Example:'")
    ]


def test_a_state_needs_a_yaml_example(checkout):
    text = GOOD_STATE.replace("yaml", "bash")
    assert found(checkout(_states=text)) == [
        (2, "shop.released", "no example under '.. code-block:: yaml'")
    ]


def test_an_example_copied_from_another_function_is_found(checkout):
    text = GOOD_MODULE.replace("shop.list\n", "shop.listing\n")
    assert found(checkout(_modules=text)) == [(12, "shop.list", "no example calls shop.list")]


@pytest.mark.parametrize("folder", ["_returners", "_pillar", "_engines"])
def test_what_nobody_calls_by_hand_needs_no_example(checkout, folder):
    assert found(checkout(**{folder: 'def start():\n    """Begin."""\n'})) == []


def test_a_docstring_has_to_begin_with_a_summary(checkout):
    text = 'def start():\n    """\n    :param one: what\n    """\n'
    assert found(checkout(_engines=text)) == [(1, "shop.start", "no summary line")]


@pytest.mark.parametrize("name", ["__load__", "__all__"])
def test_only_listed_functions_are_exposed(checkout, name):
    text = f'{name} = ["one"]\n\ndef one():\n    pass\n\ndef two():\n    pass\n'
    assert [function for _, function, _ in found(checkout(_engines=text))] == ["shop.one"]


def test_functions_under_a_condition_are_exposed(checkout):
    text = "try:\n    import a\nexcept ImportError:\n    def one():\n        pass\n"
    assert found(checkout(_engines=text)) == [(4, "shop.one", "no docstring")]


def test_the_command_names_file_and_line_and_fails(checkout):
    root = checkout(_engines="def start():\n    pass\n")
    done = run(root)
    assert done.stdout == f"{root}/_engines/shop.py:1: shop.start: no docstring\n"
    assert done.returncode == 1


def test_the_command_says_nothing_about_a_good_checkout(checkout):
    done = run(checkout(_modules=GOOD_MODULE))
    assert (done.stdout, done.returncode) == ("", 0)


def run(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the check as its users do."""
    command = [sys.executable, check_docstrings.__file__, str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
