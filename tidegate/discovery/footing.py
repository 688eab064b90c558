"""Where this process stands itself: which subnets it has an address in. Asks the kernel's routing table; no packet is sent."""

from __future__ import annotations

import ipaddress
import socket


def stands_in(subnet: str) -> bool:
    """Whether one of our own addresses is in `subnet` (CIDR). False for what is no subnet, or has no way from here."""
    try:
        network = ipaddress.ip_network(subnet, strict=False)
        family = socket.AF_INET if network.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(network.network_address + min(1, network.num_addresses - 1)), 9))
            return ipaddress.ip_address(probe.getsockname()[0].partition("%")[0]) in network
    except (OSError, ValueError):
        return False
