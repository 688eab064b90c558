"""What one host reaches, asked there: each route at its router, each name at its DNS, and at each address of a name who answers.

`nsenter --net=... python -m bench.macro.reach ADDRESS` prints what is wrong, a line each, and ends with 1 where anything is.
"""

from __future__ import annotations

import http.client
import sys

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from bench.macro import shop

ASK_SECONDS = 5.0


def faults(address: str) -> list[str]:
    """What is not as it should be, at the router and the DNS server of this address."""
    found = [_asked(address, shop.site(each), each) for each in shop.ROUTED]
    for service in shop.ROUTED:
        name = shop.internal(service)
        addresses = _resolved(address, name)
        found += [] if addresses else [f"{name} has no address"]
        found += [_asked(each, name, service) for each in addresses]
    return [each for each in found if each]


def _asked(address: str, host: str, service: str) -> str:
    """Why it is not the service that answers there; empty where it is."""
    connection = http.client.HTTPConnection(address, 80, timeout=ASK_SECONDS)
    try:
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        who = answer.read().split(b"\n")[0].decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{host} at {address}: {type(error).__name__}"
    finally:
        connection.close()
    return (
        "" if (answer.status, who) == (200, service) else f"{host} at {address}: {answer.status} by {who or 'nobody'}"
    )


def _resolved(server: str, name: str) -> list[str]:
    try:
        told = dns.query.udp(dns.message.make_query(name, "A"), server, ASK_SECONDS)
    except (OSError, dns.exception.DNSException):
        return []
    return sorted(each.address for rrset in told.answer for each in rrset if rrset.rdtype == dns.rdatatype.A)


if __name__ == "__main__":
    lines = faults(sys.argv[1])
    print("\n".join(lines))
    sys.exit(bool(lines))
