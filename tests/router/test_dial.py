from __future__ import annotations

import ssl

import pytest
import trustme

from tests.support.client import GET, get
from tests.support.origin import ok, polite, saying, serving
from tests.support.router import endpoint, route, running
from tests.support.secure import House
from tidegate.policy import Timeouts, UpstreamTls
from tidegate.router.dial import NotTrusted, context_for, server_name
from tidegate.tls.shelf import View


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.authority("inside", house.ca)
    return house


def secured(house, *names, clients=None):
    """What a container's TLS is made of."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    house.ca.issue_cert(*names).configure_cert(context)
    if clients is not None:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def through(house, origin, tls, **values):
    values = {"hold": 0.0, "connect": 2.0, **values}

    one = route(upstream_tls=tls, timeouts=Timeouts(**values))
    return running(origin, tls={"shelf": house.shelf()}, routes=[one])


async def test_a_container_behind_tls_is_verified_by_the_services_name_and_kept(house):
    async with (
        serving(saying(ok(b"inside")), ssl=secured(house, "web")) as origin,
        through(house, origin, UpstreamTls(authority="inside")) as mesh,
    ):
        client = await mesh.client()
        for _ in range(3):
            assert (await client.ask(GET)).body == b"inside"
        assert origin.connections == 1
        assert [one.in_flight for one in mesh.upstreams] == [0]


async def test_the_name_of_the_policy_is_asked_for_and_verified(house):
    seen = []
    context = secured(house, "inner.test")
    context.sni_callback = lambda _session, name, _context: seen.append(name)
    async with (
        serving(ssl=context) as origin,
        through(house, origin, UpstreamTls(authority="inside", name="inner.test")) as mesh,
    ):
        assert (await (await mesh.client()).ask(GET)).status == 200
    assert seen == ["inner.test"]


@pytest.mark.parametrize(
    "tls",
    [
        UpstreamTls(authority="inside"),  # it is somebody else
        UpstreamTls(name="other.test"),  # the system knows no such authority
        UpstreamTls(name="other.test", authority="missing"),
        UpstreamTls(name="other.test", authority="inside", client_certificate="missing"),
        UpstreamTls(name="..", authority="inside"),
    ],
)
async def test_who_cannot_be_verified_gets_nothing(house, tls):
    async with serving(polite, ssl=secured(house, "other.test")) as origin, through(house, origin, tls) as mesh:
        answer = await (await mesh.client()).ask(GET)
        assert (answer.status, answer.reason) == (502, "connect-failed")
        assert not origin.requests
        assert mesh.failures


async def test_without_verification_anybody_is_good_enough(house):
    async with (
        serving(saying(ok()), ssl=secured(house, "other.test")) as origin,
        through(house, origin, UpstreamTls(verify=False)) as mesh,
    ):
        assert (await (await mesh.client()).ask(GET)).status == 200


async def test_a_client_certificate_is_shown_to_the_container(house):
    ca = trustme.CA()
    house.pair("us", "tidegate.test", ca=ca)
    async with serving(saying(ok()), ssl=secured(house, "web", clients=ca)) as origin:
        async with through(house, origin, UpstreamTls(authority="inside", client_certificate="us")) as mesh:
            assert (await (await mesh.client()).ask(GET)).status == 200
        async with through(house, origin, UpstreamTls(authority="inside")) as mesh:
            assert (await (await mesh.client()).ask(GET)).status == 502


async def test_a_container_that_talks_before_the_handshake_is_not_listened_to(house):
    async def hasty(peer):
        await peer.send(ok(b"forged"))
        await peer.ended()

    async with serving(hasty) as origin, through(house, origin, UpstreamTls(verify=False)) as mesh:
        assert (await (await mesh.client()).ask(GET)).status == 502


async def test_a_container_that_never_answers_the_handshake_is_given_up(house):
    async def silent(peer):
        await peer.ended()

    async with serving(silent) as origin, through(house, origin, UpstreamTls(verify=False), connect=0.2) as mesh:
        answer = await (await mesh.client()).ask(GET)
        assert (answer.status, answer.reason) == (504, "connect-timeout")


async def test_a_failed_handshake_is_a_failed_connection_and_another_container_is_tried(house):
    good, bad = secured(house, "web"), secured(house, "evil")
    async with (
        serving(saying(ok(b"good")), ssl=good) as one,
        serving(ssl=bad) as other,
        through(house, one, UpstreamTls(authority="inside")) as mesh,
    ):
        mesh.serve(one, other, routes=[route(upstream_tls=UpstreamTls(authority="inside"))])
        client = await mesh.client()
        assert {(await client.ask(GET)).body for _ in range(4)} == {b"good"}
        assert not other.requests


async def test_connections_are_never_shared_between_policies(house):
    async with serving(saying(ok()), ssl=secured(house, "web")) as origin:
        loose, strict = UpstreamTls(verify=False), UpstreamTls(authority="inside", name="not.web")
        routes = [route("a.test", upstream_tls=loose), route("b.test", upstream_tls=strict)]
        async with running(origin, tls={"shelf": house.shelf()}, routes=routes) as mesh:
            client = await mesh.client()
            assert (await client.ask(GET)).status == 200

            mesh.publish([routes[0], route("b.test", upstream_tls=strict, timeouts=Timeouts(hold=0.0))])
            assert (await client.ask(get(host="b.test"))).status == 502
            assert (await client.ask(GET)).status == 200
            (upstream,) = mesh.upstreams
            assert list(upstream.secure_idle) == [loose]
            assert not upstream.idle
            upstream.close_idle(1e300)
            assert not upstream.secure_idle


async def test_an_answer_that_ends_with_the_connection_must_end_with_close_notify(house):
    async def cut_off(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nall of it?")
        peer.reset()

    async def whole(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        peer.writer.close()

    async with (
        serving(whole, ssl=secured(house, "web")) as origin,
        through(house, origin, UpstreamTls(authority="inside")) as mesh,
    ):
        assert (await (await mesh.client()).ask(GET)).body == b"all of it"
    async with (
        serving(cut_off, ssl=secured(house, "web")) as origin,
        through(house, origin, UpstreamTls(authority="inside")) as mesh,
    ):
        client = await mesh.client()
        await client.send(GET)
        assert not (await client.rest()).endswith(b"0\r\n\r\n")


def test_the_service_without_its_project_is_whom_we_expect():
    one = endpoint(("127.0.0.1", 1), service="shop/web")
    assert server_name(UpstreamTls(), one) == "web"
    assert server_name(UpstreamTls(name="inner.test"), one) == "inner.test"


def test_a_missing_authority_is_never_done_without():
    with pytest.raises(NotTrusted):
        context_for(UpstreamTls(authority="inside"), View())
    assert context_for(UpstreamTls(), View()).verify_mode is ssl.CERT_REQUIRED
