"""Reasons: errors in a normal form, so that the same error on two hosts is one reason.

What differs from time to time is replaced by what kind of thing it is. What may be a secret is
replaced as well: a reason is stored, shown and mailed.
"""

from __future__ import annotations

import re
from collections.abc import Collection

#: How long a reason is, at the most; the table has the same length.
REASON_AT_MOST = 200
#: How much of an error is looked at.
_LOOKED_AT = 4000

_KEY = r"[\w-]*(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|authorization|credential)[\w-]*"
_TIME = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"

#: What is replaced, in this order: what holds others stands before them.
_FORMS = tuple(
    (re.compile(pattern, re.IGNORECASE), form)
    for pattern, form in (
        (rf"\b{_KEY}[\"']?\s*[=:]\s*(?:(?:bearer|basic)\s+)?\S+", "<secret>"),
        (r"\b(?:bearer|basic)\s+[\w.+/=-]{8,}", "<secret>"),
        (r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>,;)]+", "<url>"),
        (r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", "<address>"),
        (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uuid>"),
        (rf"\b{_TIME}", "<time>"),
        (r"(?<![\w<])[a-z]:[\\/][^\s'\",;:)]*", "<path>"),
        (r"(?<![\w<.>])\.{0,2}/[^\s'\",;:)]+", "<path>"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "<host>"),
        (r"\[?(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}\]?(?::\d+)?", "<host>"),
        (r"\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.){2,}[a-z]{2,}(?::\d+)?\b", "<host>"),
        (r"\b0x[0-9a-f]+\b", "<hex>"),
        (r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", "<hex>"),
        (r"\bv?\d+(?:\.\d+){2,}(?:[-+.][0-9a-z]+)*", "<version>"),
        # A long run of letters and digits is no word, and may be a key.
        (r"(?=[\w+/=]*\d)(?=[\w+/=]*[a-z])[\w+/=]{24,}", "<secret>"),
        (r"\d+(?:\.\d+)?", "<n>"),
    )
)

#: How many of them come before names are replaced: an address may hold a name.
_BEFORE_NAMES = 4


def reason_of(error: str | None, names: Collection[str] = ()) -> str:
    """The normal form of an error.

    Args:
        error: what a host or the driver said.
        names: names to be replaced that cannot be told by their look: hosts and versions.
    """
    text = " ".join((error or "").split())[:_LOOKED_AT]
    for pattern, form in _FORMS[:_BEFORE_NAMES]:
        text = pattern.sub(form, text)
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", "<name>", text)
    for pattern, form in _FORMS[_BEFORE_NAMES:]:
        text = pattern.sub(form, text)
    text = "".join(one for one in text if one.isprintable())
    if len(text) > REASON_AT_MOST:
        text = text[: REASON_AT_MOST - 3] + "..."
    return text or "no reason was told"
