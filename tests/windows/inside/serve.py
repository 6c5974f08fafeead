"""Serve calls: a request a line comes in, an answer a line goes out, both in JSON.

{"function": "file_locks.rename_open", "arguments": ["C:\\a"], "keywords": {}}
{"returned": null}
{"raised": {"type": "builtins.PermissionError", "message": "...", "traceback": "..."}}
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any, BinaryIO

PATHS = (r"C:\lab", r"C:\project\_utils")


def main() -> None:
    """Answer until there are no more requests."""
    requests, answers = _streams_of_our_own()
    sys.path[:0] = PATHS
    for line in requests:
        answers.write(json.dumps(_answer(line)).encode() + b"\n")
        answers.flush()


def _streams_of_our_own() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes; what is called, and its children, get no input and write elsewhere."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _answer(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
        module, _, function = request["function"].rpartition(".")
        called = getattr(importlib.import_module(module), function)
        returned = called(*request["arguments"], **request["keywords"])
        json.dumps(returned)  # what is no plain data is an error of the call
    except Exception as err:  # noqa: BLE001  # whatever it is, the test gets it
        return {"raised": _as_data(err)}
    return {"returned": returned}


def _as_data(err: Exception) -> dict[str, Any]:
    kind = type(err)
    return {
        "type": f"{kind.__module__}.{kind.__qualname__}",
        "message": str(err),
        "winerror": getattr(err, "winerror", None),
        "traceback": "".join(traceback.format_exception(err)),
    }


if __name__ == "__main__":
    main()
