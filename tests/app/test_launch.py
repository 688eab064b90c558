from __future__ import annotations

import os
import socket

from tidegate.app.launch import Launch, adopt, command, received
from tidegate.config import AdminConfig, Config


def test_a_child_reads_the_launch_its_parent_wrote_and_no_secret_stands_on_the_command_line():
    launch = Launch(config=Config(admin=AdminConfig(token="secret"), workers=3), slot=2, http=(5, 6), channel=9)
    argv, descriptor = command("worker", launch)
    assert argv[-2:] == ["worker", str(descriptor)]
    assert "secret" not in " ".join(argv)
    assert received(descriptor) == launch


def test_every_socket_is_inherited_and_a_missing_channel_is_not():
    assert Launch(config=Config(), http=(3,), dns_udp=(4,), dns_tcp=(5,)).descriptors == (3, 4, 5)
    assert Launch(config=Config(), admin=(6,), channel=7).descriptors == (6, 7)


def test_an_adopted_descriptor_is_the_same_socket():
    with socket.create_server(("127.0.0.1", 0)) as parent:
        (child,) = adopt((os.dup(parent.fileno()),))
        with child:
            assert child.getsockname() == parent.getsockname()
