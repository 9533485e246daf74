"""Values and messages as one safe line of text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pandas as pd

VALUE_MAX = 80
FIELD_MAX = 300


_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_ASIDE = re.compile(r" \([^(){}]*\{(\w+)\}[^(){}]*\)")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")


def fill(template: str, fields: Mapping[str, Any]) -> str:
    """Replace `{name}` once, never inside a value; an unknown or empty name becomes « — ». A parenthesis that only gives a name
    which is empty is left out: « (le plus proche : ) » says nothing."""
    texts = {m: une_ligne(fields.get(m), FIELD_MAX) for m in _PLACEHOLDER.findall(template)}
    template = _ASIDE.sub(lambda m: m[0] if texts[m[1]] else "", template)
    return _PLACEHOLDER.sub(lambda m: texts[m[1]] or "—", template)


def une_ligne(value: Any, length: int = VALUE_MAX) -> str:
    """A value as one safe line: no control, escape or bidirectional character, at most `length` characters."""
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float):
        value = (
            ""
            if value != value
            else str(int(value))
            if value.is_integer() and abs(value) < 1e15
            else repr(float(value)).replace(".", ",")
        )
    elif isinstance(value, datetime):
        value = value.strftime("%d/%m/%Y") if value.time() == datetime.min.time() else value.strftime("%d/%m/%Y %H:%M")
    elif isinstance(value, date):
        value = value.strftime("%d/%m/%Y")
    elif isinstance(value, list | tuple | set | frozenset):
        value = ", ".join(sorted(map(str, value)))
    text = str(value)
    if text.isprintable() and len(text) <= length and "  " not in text:  # the usual case, cheap
        return text.strip()
    text = _ANSI.sub("", text[: 20 * length])
    text = "".join(" " if ch in "\t\r\n\v\f\u2028\u2029" else ch for ch in text)
    text = "".join(
        ch for ch in text if ch in "\u200d\u200c" or unicodedata.category(ch) not in ("Cc", "Cf", "Cs", "Co")
    )
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def column_letters(column: int | None) -> str:
    """1 → A, 27 → AA; nothing for no column."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
