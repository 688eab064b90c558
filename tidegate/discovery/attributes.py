"""Labels that a container publishes in the DNS, as attributes of RFC 1464: `name=value`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tidegate.discovery.vocabulary import is_setting
from tidegate.settings.fault import Fault, shown

MAX_ATTRIBUTES = 16
MAX_OCTETS = 1024  # of one attribute

_BETWEEN = re.compile(r"[,\s]+")
_TO_QUOTE = re.compile(r"[=`]")  # RFC 1464 2: by a grave accent in front; label names have no blanks at their ends


def read_attributes(text: str, labels: Mapping[str, str]) -> tuple[str, ...] | Fault:
    """The attributes for the labels that `text` names, by commas or blanks apart."""
    names = tuple(dict.fromkeys(filter(None, _BETWEEN.split(text))))
    if len(names) > MAX_ATTRIBUTES:
        return Fault(f"{len(names)} labels are named, {MAX_ATTRIBUTES} are allowed", "name fewer")
    found = []
    for name in names:
        fault = _fault(name, labels)
        if fault is not None:
            return fault
        found.append(f"{_quoted(name)}={labels[name]}")
    return tuple(found)


def _fault(name: str, labels: Mapping[str, str]) -> Fault | None:
    if name not in labels:
        return Fault(f"the container has no label {shown(name)}", "name labels that it has, with commas between them")
    if is_setting(name):
        return Fault(f"{shown(name)} says how requests are treated", "name labels that everybody may read")
    if len(f"{_quoted(name)}={labels[name]}".encode()) > MAX_OCTETS:
        return Fault(f"label {shown(name)} and its value have over {MAX_OCTETS} octets", "shorten its value")
    return None


def _quoted(name: str) -> str:
    return _TO_QUOTE.sub(lambda match: "`" + match[0], name)
