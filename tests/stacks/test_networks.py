import pytest

from tests.support.compose import codes, compose, faults, spec
from tidegate.engine.spec import Attachment, NetworkSpec, Pool

LABELS = {"com.docker.compose.project": "shop", "com.docker.compose.network": "front"}


def test_a_service_stands_on_its_networks_with_names_and_addresses_the_first_by_priority():
    text = """
        networks:
          back: null
          front:
            aliases: [www]
            ipv4_address: 10.9.0.5
            ipv6_address: 2001:db8::5
            link_local_ips: [169.254.8.8]
            driver_opts: {a: b}
            priority: 10
        """
    template = spec(text, "networks: {front: {}, back: {}}")
    assert list(template.networks) == ["shop_front", "shop_back"]
    assert template.networks["shop_back"] == Attachment(aliases=("web",))
    assert template.networks["shop_front"] == Attachment(
        aliases=("web", "www"),
        ipv4="10.9.0.5",
        ipv6="2001:db8::5",
        link_local=("169.254.8.8",),
        options={"a": "b"},
    )


def test_a_network_of_the_file_is_read_whole():
    file = compose("""
        services: {web: {image: x, networks: [front]}}
        networks:
          front:
            driver: overlay
            driver_opts: {encrypted: ""}
            internal: true
            enable_ipv6: true
            labels: {team: a}
            ipam:
              driver: default
              options: {foo: bar}
              config:
                - {subnet: 10.9.0.0/16, gateway: 10.9.0.1, ip_range: 10.9.5.0/24, aux_addresses: {host1: 10.9.0.2}}
        """)
    assert file.problems == ()
    (network,) = file.networks
    pool = Pool(subnet="10.9.0.0/16", gateway="10.9.0.1", range="10.9.5.0/24", reserved={"host1": "10.9.0.2"})
    assert network.spec == NetworkSpec(
        name="shop_front",
        driver="overlay",
        options={"encrypted": ""},
        internal=True,
        attachable=True,
        ipv6=True,
        ipam_driver="default",
        ipam_options={"foo": "bar"},
        pools=(pool,),
        labels={"team": "a"} | LABELS,
    )


@pytest.mark.parametrize(
    ("item", "name", "external"),
    [("{external: true}", "front", True), ("{external: {name: real}}", "real", True), ("{name: own}", "own", False)],
)
def test_a_network_is_called_as_the_file_says(item, name, external):
    file = compose(f"services: {{web: {{image: x, networks: [front]}}}}\nnetworks: {{front: {item}}}")
    assert [(network.name, network.external) for network in file.networks] == [(name, external)]


def test_the_default_network_can_have_settings():
    file = compose("services: {web: {image: x}}\nnetworks: {default: {driver: bridge, internal: true}}")
    assert [(network.name, network.spec.internal) for network in file.networks] == [("shop_default", True)]


def test_networks_nobody_is_on_are_not_made():
    assert [network.name for network in compose("services: {a: {image: x}}\nnetworks: {b: {}}").networks] == [
        "shop_default"
    ]


def test_what_is_wrong_is_told():
    assert faults("networks: [lost]") == [("T1140", 1)]
    assert faults("networks: {default: {colour: red, mac_address: x}}") == [("T1131", 1), ("T1131", 1)]
    assert faults("networks: [default]\nnetwork_mode: host") == [("T1132", 1)]
    file = compose("services: {a: {image: x}}\nnetworks: {default: {scope: local, ipam: {config: [{pool: x}], x: 1}}}")
    assert [code for code, _, _ in codes(file)] == ["T1131"] * 3
