"""The configuration that caddy-docker-proxy would make of a list of containers."""

from bench.fake_dockerd import Container, list_row
from bench.macro.caddy_push import configuration


def routes(*containers):
    rows = [list_row(container, running=True) for container in containers]
    made = configuration(rows, listen="127.0.0.1:80", admin="127.0.0.1:2019")
    return made["apps"]["http"]["servers"]["srv0"]["routes"]


def web(name, ip, **more):
    return Container(name=name, host="web.bench.test", ip=ip, port=9000, service="web", **more)


def inside(route):
    return [
        (each.get("match"), [up["dial"] for up in each["handle"][0]["upstreams"]])
        for each in route["handle"][0]["routes"]
    ]


def test_containers_of_one_site_are_merged_into_one_set_of_upstreams():
    [site] = routes(web("web-1", "127.1.0.1"), web("web-2", "127.1.0.2"))
    assert site["match"] == [{"host": ["web.bench.test"]}]
    assert inside(site) == [(None, ["127.1.0.1:9000", "127.1.0.2:9000"])]


def test_a_path_comes_before_the_whole_site():
    [site] = routes(web("web-1", "127.1.0.1"), web("web-2", "127.1.0.2", path="/v2"))
    assert inside(site) == [([{"path": ["/v2/*"]}], ["127.1.0.2:9000"]), (None, ["127.1.0.1:9000"])]


def test_only_addresses_on_shared_networks_count():
    [site] = routes(web("web-1", "127.1.0.1", networks={"back": "127.1.0.9", "front": "127.1.0.1"}))
    assert inside(site) == [(None, ["127.1.0.1:9000"])]
