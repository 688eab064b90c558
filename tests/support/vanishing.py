"""Hosts that can vanish: addresses of a network namespace of the test's own, in which a packet filter drops everything.

A dropped packet is what a crashed or unplugged host gives: no refusal, no reset, no word at all. Origins of the test listen in the
namespace (a socket stays in the one it was made in), the router connects from outside.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

_NUMBERS = itertools.count()
_CLONE_NEWNET = 0x40000000  # setns(2): a network namespace and nothing else


class Hosts:
    """Two hosts behind one cable: `addresses` are theirs."""

    def __init__(self, namespace, addresses):
        self.addresses = addresses
        self._namespace = namespace

    def listening(self, address):
        """A listening socket at an address of the namespace, port 0."""
        made = []
        thread = threading.Thread(target=self._listen, args=(address, made))  # a thread can change its namespace alone
        thread.start()
        thread.join(10)
        assert made, f"cannot listen on {address} in {self._namespace}"
        return made[0]

    def vanish(self, address):
        """From now on no packet comes to or from the address."""
        self._filter("-I", "INPUT", "-d", address)
        self._filter("-I", "OUTPUT", "-s", address)

    def come_back(self, address):
        """Packets come and go again."""
        self._filter("-D", "INPUT", "-d", address)
        self._filter("-D", "OUTPUT", "-s", address)

    def _filter(self, *rule):
        _ip("netns", "exec", self._namespace, "iptables", "-w", *rule, "-j", "DROP")

    def _listen(self, address, made):
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/run/netns/{self._namespace}") as place:  # noqa: PTH123  only its descriptor is wanted
            if libc.setns(place.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        made.append(socket.create_server((address, 0), backlog=128))


@pytest.fixture
def hosts():
    """Two hosts of this test's own, both there."""
    if os.geteuid() != 0:
        pytest.skip("only root may make a network namespace; mend: run as root")
    for program, package in (("ip", "iproute2"), ("iptables", "iptables")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing; mend: apt-get install -y {package}")
    with _joined(f"{os.getpid()}-{next(_NUMBERS)}") as made:
        yield made


@contextlib.contextmanager
def _joined(name):
    namespace, number = f"tgvanish-{name}", 1 + (os.getpid() * 7 + next(_NUMBERS)) % 250
    ours, theirs, network = f"tgv{number}a", f"tgv{number}b", f"10.213.{number}"
    addresses = (f"{network}.2", f"{network}.3")
    _ip("netns", "add", namespace)
    try:
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", namespace)
        _ip("address", "add", f"{network}.1/29", "dev", ours)
        _ip("link", "set", ours, "up")
        for address in addresses:
            _ip("-n", namespace, "address", "add", f"{address}/29", "dev", theirs)
        _ip("-n", namespace, "link", "set", theirs, "up")
        yield Hosts(namespace, addresses)
    finally:
        _ip("netns", "delete", namespace)
        if Path(f"/sys/class/net/{ours}").exists():  # it goes with its other end, but not at once
            subprocess.run(["ip", "link", "delete", ours], check=False, capture_output=True, timeout=10)


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, timeout=10)
