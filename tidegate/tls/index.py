"""Which certificate a host gets: exact names before wildcards, valid ones before others, the newest of those. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.tls.certificate import Pair


class Index:
    """Pairs by the names they hold. A wildcard holds for exactly one more label (RFC 9525 section 6.3)."""

    def __init__(self, pairs: Iterable[Pair] = (), now: float = 0.0) -> None:
        self._exact: dict[str, Pair] = {}
        self._wildcard: dict[str, Pair] = {}
        for pair in sorted(pairs, key=lambda each: _rank(each, now)):
            for name in pair.certificate.names:
                if name.startswith("*."):
                    self._wildcard[name[1:]] = pair
                else:
                    self._exact[name] = pair

    def find(self, host: str) -> Pair | None:
        """The pair for a lower-case host, or None."""
        pair = self._exact.get(host)
        if pair is None:
            label, dot, suffix = host.partition(".")
            pair = self._wildcard.get(dot + suffix) if label else None
        return pair

    def covers(self, host: str) -> bool:
        """Whether clients of `host`, exact or `*.suffix`, get a certificate that names it."""
        return host[1:] in self._wildcard if host.startswith("*.") else self.find(host) is not None


def _rank(pair: Pair, now: float) -> tuple[bool, float, float, str]:
    certificate = pair.certificate
    return (certificate.valid(now), certificate.not_before, certificate.not_after, pair.origin)
