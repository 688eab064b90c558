"""Who may use a route, by client address. Pure; verdicts are kept for the addresses seen last."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from tidegate.errors import Reason
from tidegate.router.filters.answer import Answer, refusal
from tidegate.router.filters.ask import Ask

_REMEMBERED = 4096


class AccessStep:
    """Denied networks get 403; where networks are allowed, all others do too. An address nobody can read is refused."""

    def __init__(self, allow: tuple[str, ...], deny: tuple[str, ...]) -> None:
        self._allow = [ip_network(each, strict=False) for each in allow]
        self._deny = [ip_network(each, strict=False) for each in deny]
        self._verdicts: dict[bytes, bool] = {}

    def on_request(self, ask: Ask) -> Answer | None:
        """A refusal, or None."""
        verdict = self._verdicts.get(ask.client)
        if verdict is None:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            verdict = self._verdicts[ask.client] = self._may(ask.client)
        return None if verdict else refusal(Reason.FORBIDDEN)

    def _may(self, client: bytes) -> bool:
        try:
            address = ip_address(client.decode("ascii").partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        inside = [network.version == address.version and address in network for network in self._networks()]
        denied, allowed = inside[: len(self._deny)], inside[len(self._deny) :]
        return not any(denied) and (any(allowed) or not allowed)

    def _networks(self) -> list[IPv4Network | IPv6Network]:
        return self._deny + self._allow
