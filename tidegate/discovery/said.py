"""What a container's labels say of its routes: `tidegate.<setting>` for all of them, `tidegate.port_<n>.<setting>` for those
of one port. Pure.

Where a setting that protects is wrong, nobody may be let in on the strength of the rest: the container is closed, or the
port that the label speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from tidegate.discovery.complaints import Complaints
from tidegate.discovery.vocabulary import setting_of
from tidegate.model import RouteClaim
from tidegate.policy import Match
from tidegate.settings.conditions import TOP as CONDITIONS
from tidegate.settings.conditions import apart, read_conditions
from tidegate.settings.fault import Fault
from tidegate.settings.layers import merged
from tidegate.settings.reading import Wrong, read_settings
from tidegate.settings.values import read_text, read_whole

_CLOSED = "the container gets no traffic until this is right; the others of its service serve"
_CLOSED_PORT = "this port gets no traffic until this is right; the rest of the container serves"
_DEFAULT = "it is as if the label were not there"


class Said(Struct, frozen=True, kw_only=True):
    """Settings by port, 0 for all; `closed` and `closed_ports` get no traffic."""

    settings: dict[int, dict[str, str]]
    matches: dict[int, Match] = {}
    closed: bool = False
    closed_ports: frozenset[int] = frozenset()

    def claim(self, claim: RouteClaim) -> RouteClaim:
        """`claim` with what holds for it."""
        settings = merged(self.settings.get(0, {}), self.settings.get(claim.port, {}))
        match = self.matches.get(claim.port, self.matches.get(0))
        return replace(claim, match=match, settings=settings, implied=_implied(claim))


def _implied(claim: RouteClaim) -> dict[str, str]:
    """Stickiness is on in the original language; a route asked for by https alone is not meant to be served without."""
    implied = {"balance.sticky": "true"} if claim.origin.startswith("aliyun.") else {}
    return implied | ({"tls.redirect": "true"} if claim.scheme == "https" else {})


def read_said(labels: Mapping[str, str], complaints: Complaints, *, sticky: bool | None) -> Said:
    """`labels` are those of settings, with raw values; `sticky` what a label of the original language set."""
    reader = _Reader(complaints)
    for label, text in labels.items():
        reader.sort(label, text)
    matches = {port: match for port in sorted(reader.given) if (match := reader.match(port)) is not None}
    found = {port: reader.read(port) for port in sorted(reader.given)}
    if sticky is not None:
        found[0] = {"balance.sticky": "true" if sticky else "false"} | found.get(0, {})
    return Said(settings=found, matches=matches, closed=0 in reader.closed, closed_ports=frozenset(reader.closed - {0}))


class _Reader:
    """One pass over one container's labels."""

    def __init__(self, complaints: Complaints) -> None:
        self._complaints = complaints
        self._labels: dict[tuple[int, str], str] = {}  # label by port and name
        self.given: dict[int, dict[str, str]] = {}
        self.closed: set[int] = set()

    def sort(self, label: str, text: str) -> None:
        """Put a label to its port."""
        written, name = setting_of(label)
        port = read_whole(written, 1, 65535) if label.startswith("tidegate.port_") else 0
        if isinstance(port, Fault):
            # Which port was meant to be protected cannot be told, so a protecting one closes all.
            self._refuse(0, label, Wrong(name=name, fault=port, closes=self._protects(name)))
            return
        self._labels[port, name] = label
        value = read_text(text)
        if isinstance(value, Fault):
            self._refuse(port, label, Wrong(name=name, fault=value, closes=self._protects(name)))
        else:
            self.given.setdefault(port, {})[name] = value

    def match(self, port: int) -> Match | None:
        """The conditions of one port, 0 for all."""
        found = read_conditions(apart(self.given[port])[0])
        for name, fault in found.wrong:
            self._refuse(port, self._labels[port, name], Wrong(name=name, fault=fault, closes=True))
        return found.match

    def read(self, port: int) -> dict[str, str]:
        """The settings of one port, 0 for all."""
        reading = read_settings(apart(self.given[port])[1], operator=False)
        for wrong in reading.wrong:
            self._refuse(port, self._labels.get((port, wrong.name), ""), wrong)
        return reading.settings

    def _protects(self, name: str) -> bool:
        return name.partition(".")[0] == CONDITIONS or any(
            wrong.closes for wrong in read_settings({name: ""}, operator=False).wrong
        )

    def _refuse(self, port: int, label: str, wrong: Wrong) -> None:
        code = "T1203" if wrong.unknown else "T1212" if wrong.closes else "T1208"
        if wrong.closes:
            self.closed.add(port)
        kept = (_CLOSED_PORT if port else _CLOSED) if wrong.closes else _DEFAULT
        self._complaints.error(code, label, wrong.fault.text, mend=wrong.fault.mend, kept=kept)
