"""Host names and paths as labels and files may write them. Pure.

Two dialects of one grammar: `ALIYUN` is exactly what the original system took (acs-labels 1.2; wider in one point: a
doubled hyphen, without which no internationalised name can be written), `TIDEGATE` adds wildcards, longer names and
the rest of RFC 3986's path characters. Both refuse IP literals and whatever could smuggle a second path (`..`, `//`).
"""

from __future__ import annotations

import re

from msgspec import Struct

from tidegate.settings.fault import Fault, shown

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TOP = re.compile(r"(?=.*[a-z])[a-z0-9-]{2,63}")
_VENDOR = "alicontainer.com"


class Grammar(Struct, frozen=True, kw_only=True):
    """What one dialect allows."""

    wildcards: bool
    max_host: int
    max_path: int
    path: re.Pattern[str]
    path_words: str
    refused_suffix: str = ""


ALIYUN = Grammar(
    wildcards=False,
    max_host=127,
    max_path=127,
    path=re.compile(r"/[A-Za-z0-9_/.-]*"),
    path_words="letters, digits and - _ . /",
    refused_suffix=_VENDOR,
)
TIDEGATE = Grammar(
    wildcards=True,
    max_host=253,
    max_path=1024,
    path=re.compile(r"/(?:[A-Za-z0-9_/.~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})*"),
    path_words="the characters of a URL path, others as %XX, no query",
)


def read_host(text: str, grammar: Grammar, root_domain: str) -> str | Fault:
    """The lower-case host; a word without a dot gets `.root_domain`, or is refused where that is empty. A Fault says why it cannot be one."""
    host = text.lower()
    name, wildcard = (host[2:], "*.") if host.startswith("*.") else (host, "")
    if wildcard and not grammar.wildcards:
        return Fault(
            f"wildcard host {shown(text)} is not part of this label's language", "use tidegate.routing.port_<n>"
        )
    if not host:
        return Fault("the host is missing", "write [scheme://]host[/path]")
    if fault := _host_fault(text, name):
        return fault
    if "." not in name and not wildcard:
        if not root_domain:
            return Fault(f"host {shown(text)} has no domain", "write the whole name")
        host = name = f"{name}.{root_domain}"
    labels = name.split(".")
    bad = next((label for label in labels if not _LABEL.fullmatch(label)), None)
    if bad is not None:
        return Fault(
            f"host {shown(text)} has the part {shown(bad)}, which is no DNS label", "use letters, digits and hyphens"
        )
    if not _TOP.fullmatch(labels[-1]):
        return Fault(
            f"host {shown(text)} ends in {shown(labels[-1])}, which is no top-level name",
            "routes go by name, not by IP address",
        )
    if len(host) > grammar.max_host:
        return Fault(f"host {shown(text)} is longer than {grammar.max_host} characters", "use a shorter name")
    if grammar.refused_suffix and (name == grammar.refused_suffix or name.endswith("." + grammar.refused_suffix)):
        return Fault(f"host {shown(text)} belongs to the vendor of the original system", "use a domain of your own")
    return host


def _host_fault(text: str, name: str) -> Fault | None:
    """Mistakes worth a better sentence than the grammar's."""
    if "*" in name:
        return Fault(f"host {shown(text)} has a wildcard inside", "only a leading *. is a wildcard")
    if ":" in name:
        return Fault(f"host {shown(text)} carries a port", "the port is that of the label; leave it out of the host")
    if "_" in name:
        return Fault(f"host {shown(text)} has an underscore, which no host name may", f"try {name.replace('_', '-')}")
    if name.endswith("."):
        return Fault(f"host {shown(text)} ends in a dot", f"write {name.rstrip('.') or 'a name'}")
    if not name.isascii():
        return Fault(f"host {shown(text)} is not ASCII", _ascii_form(name))
    return None


def _ascii_form(name: str) -> str:
    try:
        return f"write its ASCII form {name.encode('idna').decode()}"
    except UnicodeError:
        return "write its ASCII (xn--) form"


def read_path(text: str, grammar: Grammar) -> str | Fault:
    """The path prefix, `/` for none, without a trailing slash. Case is kept: paths are case-sensitive."""
    if text in ("", "/"):
        return "/"
    if not grammar.path.fullmatch(text):
        return Fault(f"path {shown(text)} is not a plain path", f"start with / and use {grammar.path_words}")
    if len(text) > grammar.max_path:
        return Fault(f"path {shown(text)} is longer than {grammar.max_path} characters", "use a shorter prefix")
    segments = text[1:].removesuffix("/").split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        return Fault(f"path {shown(text)} has an empty, '.' or '..' segment", "write the path as it is after cleaning")
    return "/" + "/".join(segments)
