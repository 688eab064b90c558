import pytest

from tests.support.compose import faults, spec
from tidegate.engine.spec import Publication


def port(number, host_port=0, **more):
    return Publication(port=number, host_port=host_port, **more)


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("['80']", (port(80),)),
        ("[80]", (port(80),)),
        ("['8080:80', '81']", (port(80, 8080), port(81))),
        ("['80/tcp']", (port(80),)),
        ("['53:53/udp']", (port(53, 53, protocol="udp"),)),
        ("['127.0.0.1:8080:80']", (port(80, 8080, host_ip="127.0.0.1"),)),
        ("['127.0.0.1::80']", (port(80, host_ip="127.0.0.1"),)),
        ("['[::1]:8080:80']", (port(80, 8080, host_ip="::1"),)),
        ("['80-82']", (port(80), port(81), port(82))),
        ("['8080-8081:80-81']", (port(80, 8080), port(81, 8081))),
        ("['8080-8090:80']", (port(80, 8080, host_port_end=8090),)),
        ("['80', '80']", (port(80),)),
        ("[{target: 80, published: '8080', mode: host, name: web}]", (port(80, 8080),)),
        (
            "[{target: 80, published: 8080-8090, host_ip: 10.0.0.1}]",
            (port(80, 8080, host_port_end=8090, host_ip="10.0.0.1"),),
        ),
        ("[{target: 53, protocol: udp}]", (port(53, protocol="udp"),)),
        ("[{target: 80, published: 0}]", (port(80),)),
    ],
)
def test_ports_are_read_in_every_form(text, ports):
    assert spec(f"ports: {text}").publish == ports


@pytest.mark.parametrize(
    "text",
    ["x", "0", "65536", "81-80", "'8080:'", "80/icmp", "'1-2:1-3'", "'8080:80-81'", "1-2000", "{published: 1}", "true"],
)
def test_what_is_no_port_is_an_error(text):
    assert faults(f"ports: [{text}]") == [("T1136", 1)]


def test_more_ports_than_anybody_means_are_refused():
    assert faults("ports: [1-600, 1001-1600]") == [("T1136", 1)]


def test_unknown_keys_of_the_long_form_are_named():
    assert faults("ports:\n  - target: 80\n    colour: red") == [("T1131", 3)]


def test_ports_that_are_open_inside_only():
    template = spec("expose: ['80', 90-91, 53/udp]")
    assert (template.ports, template.udp_ports) == ((80, 90, 91), (53,))
    assert faults("expose: [x]") == [("T1136", 1)]
    assert faults("expose:\n  - 80\n  - 132/sctp") == [("T1131", 3)]
