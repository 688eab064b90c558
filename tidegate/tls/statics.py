"""The `tls:` section of a static file: pairs by path, the default one, client certificates by host. Pure.

tls:
  default: shop                  # for clients that name no host we have a certificate for
  certificates:
    - {name: shop, certificate: /etc/tls/shop.crt, key: /etc/tls/shop.key}
  clients:
    admin.shop.test: {authority: staff, required: true}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.errors import Problem
from tidegate.policy import ClientCertificates
from tidegate.tls.files import PairFiles
from tidegate.value import Value
from tidegate.yamlfile import Document, Path

_FIELDS = ("default", "certificates", "clients")
_PAIR = ("name", "certificate", "key")
_CLIENT = ("authority", "required")
_KEPT = "the last good content of this section stays in force"


class Section(Value):
    """What a file says of TLS. `clients`: host, exact or `*.suffix` -> what its clients must show."""

    default: str = ""
    pairs: tuple[PairFiles, ...] = ()
    clients: dict[str, ClientCertificates] = {}


def read_section(document: Document) -> tuple[Section, tuple[Problem, ...]]:
    """The section and what is wrong with it; usable only without problems."""
    data = document.data.get("tls") if isinstance(document.data, dict) else None
    reader = _Reader(document)
    section = reader.section(data) if data is not None else Section()
    return section, tuple(reader.problems)


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[Problem] = []

    def section(self, data: Any) -> Section:
        fields = self._mapping(data, ("tls",), _FIELDS)
        listed = fields.get("certificates") or []
        if not isinstance(listed, list):
            self._wrong(("tls", "certificates"), "certificates is a list", "begin each entry with a dash")
            listed = []
        pairs = [self._pair(each, ("tls", "certificates", at)) for at, each in enumerate(listed)]
        clients = self._mapping(fields.get("clients") or {}, ("tls", "clients"))
        return Section(
            default=self._text(fields, "default", ("tls",)),
            pairs=tuple(pair for pair in pairs if pair.chain),
            clients={
                str(host).lower(): self._clients(each, ("tls", "clients", host)) for host, each in clients.items()
            },
        )

    def _pair(self, data: Any, path: Path) -> PairFiles:
        fields = self._mapping(data, path, _PAIR)
        chain = self._text(fields, "certificate", path, needed=True)
        name = self._text(fields, "name", path) or chain.rpartition("/")[2].partition(".")[0]
        return PairFiles(name=name, chain=chain, key=self._text(fields, "key", path))

    def _clients(self, data: Any, path: Path) -> ClientCertificates:
        fields = self._mapping(data, path, _CLIENT)
        required = fields.get("required", True)
        if not isinstance(required, bool):
            self._wrong((*path, "required"), "required is true or false", "say true or false")
        return ClientCertificates(
            authority=self._text(fields, "authority", path, needed=True), required=required is not False
        )

    def _mapping(self, data: Any, path: Path, known: tuple[str, ...] = ()) -> Mapping[Any, Any]:
        if not isinstance(data, dict):
            self._wrong(path, f"{path[-1]} is a mapping", "write names and values, indented")
            return {}
        for name in data:
            if known and name not in known:
                self._wrong((*path, name), f"{name} is not known here", _known(str(name), known))
        return data

    def _text(self, fields: Mapping[Any, Any], name: str, path: Path, *, needed: bool = False) -> str:
        value = fields.get(name)
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or not value.strip():
            self._wrong((*path, name), f"{name} is missing or no text", f"write {name}: TEXT")
            return ""
        return value.strip()

    def _wrong(self, path: Path, text: str, mend: str) -> None:
        self.problems.append(Problem(code="T1909", text=text, place=self._document.place(path), mend=mend, kept=_KEPT))


def _known(name: str, known: tuple[str, ...]) -> str:
    """The mend for a name that is not known; versions of TLS are asked for most."""
    if "version" in name or "protocol" in name:
        return "leave it out: TLS 1.2 and 1.3 are spoken, and nothing older can be asked for"
    return "known are " + ", ".join(known)
