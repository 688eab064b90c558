from __future__ import annotations

import asyncio
import gc
import ssl

import pytest
import trustme

from tests.support.client import GET, Client, get, post
from tests.support.origin import ok, saying, serving
from tests.support.router import quick, route, running, until
from tests.support.secure import House, open_secure, secure_client
from tidegate.policy import ClientCertificates, TlsPolicy
from tidegate.router.downstream import Downstream
from tidegate.router.handshake import Handshake
from tidegate.router.reactor import Wire
from tidegate.tls.stream import TlsStream


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


@pytest.fixture
async def mesh(house):
    house.pair("a.test")
    async with serving(saying(ok(b"secret"))) as origin, running(origin, tls={"shelf": house.shelf()}) as mesh:
        mesh.origin = origin
        await until(lambda: mesh.router.front.view.pairs)
        yield mesh


async def ask(mesh, house, name="a.test", request=GET):
    client = await secure_client(mesh.secure_address, house.trust(), name)
    return await client.ask(request)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_request_over_tls_is_answered_and_the_container_hears_of_it(mesh, house, version):
    context = house.trust()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = await secure_client(mesh.secure_address, context)
    for _ in range(3):
        assert (await client.ask(GET)).body == b"secret"
    assert client.writer.pipe.session.selected_alpn_protocol() == "http/1.1"
    asked = mesh.origin.requests[-1]
    assert asked.field("X-Forwarded-Proto") == "https"
    assert "proto=https" in asked.field("Forwarded")
    assert (mesh.router.front.shaken, mesh.router.front.pending) == (1, 0)


async def test_a_first_word_in_single_bytes_is_understood(mesh, house):
    reader, writer = await asyncio.open_connection(*mesh.secure_address)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = house.trust().wrap_bio(incoming, outgoing, server_hostname="a.test")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    for octet in outgoing.read():
        writer.write(bytes((octet,)))
        await writer.drain()
    incoming.write(await reader.read(65536))
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        assert session.version() in (None, "TLSv1.3")
    writer.close()


async def alert_of(mesh, name, protocols=()):
    """The alert that ends the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    with pytest.raises(ssl.SSLError) as error:
        await open_secure(mesh.secure_address, context, name)
    return error.value.reason or str(error.value)


async def test_a_name_nobody_has_a_certificate_for_is_an_alert(mesh):
    assert await alert_of(mesh, "b.test") == "TLSV1_UNRECOGNIZED_NAME"
    assert await alert_of(mesh, None) == "TLSV1_UNRECOGNIZED_NAME"


async def test_a_client_that_speaks_none_of_our_protocols_is_told_so(mesh):
    assert "no application protocol" in await alert_of(mesh, "a.test", ["h2"])


async def test_plain_http_on_the_port_is_answered_in_plain_words(mesh):
    client = await Client.connect(mesh.secure_address)
    answer = await client.ask(GET)
    assert (answer.status, answer.body) == (400, b"400 Bad Request\nThis port speaks HTTPS.\n")
    assert await client.closed()


@pytest.mark.parametrize("words", [b"\x16\x03\x01\xff\xff", b"\x00" * 10, b"\x16\x03\x01\x00\x04\x02\x00\x00\x00"])
async def test_what_is_no_tls_is_cut(mesh, words):
    client = await Client.connect(mesh.secure_address)
    await client.send(words)
    assert await client.rest() in (b"", b"\x15\x03\x03\x00\x02\x02\x32")
    await until(lambda: mesh.router.front.pending == 0)


async def test_the_time_for_the_handshake_counts_from_the_accept_and_ends_with_the_head(house):
    house.pair("a.test")
    config = quick(head_timeout_seconds=0.6)
    async with running(config=config, tls={"shelf": house.shelf()}, routes=[route()]) as mesh:
        silent = await Client.connect(mesh.secure_address)
        half = await Client.connect(mesh.secure_address)
        await half.send(b"\x16\x03\x01\x00\xc8\x01")
        idle = await secure_client(mesh.secure_address, house.trust())
        for client in (silent, half, idle):
            assert await client.closed()
        await mesh.at_rest()
        assert mesh.router.front.pending == 0


async def test_only_so_many_handshakes_are_in_progress(house):
    house.pair("a.test")
    async with running(tls={"shelf": house.shelf(), "max_handshakes": 2}, routes=[route()]) as mesh:
        waiting = [await Client.connect(mesh.secure_address) for _ in range(2)]
        await until(lambda: mesh.router.front.pending == 2)
        third = await Client.connect(mesh.secure_address)
        assert await third.closed()
        assert mesh.router.front.refused == 1
        waiting[0].close()
        await until(lambda: mesh.router.front.pending == 1)
        await secure_client(mesh.secure_address, house.trust())


async def test_a_client_that_goes_in_the_middle_of_the_handshake_leaves_nothing(mesh, house):
    for _ in range(20):
        client = await Client.connect(mesh.secure_address)
        context, outgoing = house.trust(), ssl.MemoryBIO()
        session = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="a.test")
        with pytest.raises(ssl.SSLWantReadError):
            session.do_handshake()
        await client.send(outgoing.read())
        client.reset()
    await until(lambda: mesh.router.front.pending == 0 and mesh.router.front.failed == 20)
    await mesh.at_rest()


async def test_names_choose_certificates_exact_before_wildcard_and_one_label_deep(house):
    house.pair("exact", "x.a.test")
    house.pair("wild", "*.a.test")
    async with running(tls={"shelf": house.shelf()}, routes=[route()]) as mesh:
        for name, expected in (("x.a.test", "x.a.test"), ("y.a.test", "*.a.test"), ("Y.A.TEST", "*.a.test")):
            _, writer = await open_secure(mesh.secure_address, house.trust(), name)
            assert writer.pipe.session.getpeercert()["subjectAltName"] == (("DNS", expected),)
        assert await alert_of(mesh, "z.y.a.test") == "TLSV1_UNRECOGNIZED_NAME"


async def test_a_default_certificate_serves_who_names_none_of_ours(house):
    house.pair("fallback", "f.test")
    async with running(tls={"shelf": house.shelf(default="fallback")}, routes=[route()]) as mesh:
        context = house.trust()
        context.check_hostname = False
        for name in ("b.test", None):
            _, writer = await open_secure(mesh.secure_address, context, name)
            assert writer.pipe.session.getpeercert()["subjectAltName"] == (("DNS", "f.test"),)


async def test_a_new_certificate_is_served_without_dropping_a_connection(mesh, house):
    before = await secure_client(mesh.secure_address, house.trust())
    assert (await before.ask(GET)).status == 200
    other = trustme.CA()
    house.pair("a.test", ca=other)
    await until(lambda: mesh.router.front.view.pairs[0].chain == (house.certs / "a.test.crt").read_bytes())
    fresh = await secure_client(mesh.secure_address, house.trust(other))
    assert (await fresh.ask(GET)).status == 200
    assert (await before.ask(GET)).status == 200


async def test_a_pair_that_does_not_fit_keeps_the_old_one(mesh, house):
    (house.certs / "a.test.key").write_bytes(house.ca.issue_cert("a.test").private_key_pem.bytes())
    await until(lambda: [each.code for each in mesh.router.front.view.problems] == ["T1903"])
    assert (await ask(mesh, house)).status == 200


# --- what a route demands


async def only_over_https(house, origin, **values):
    tls = TlsPolicy(only=True, **values)
    return running(origin, tls={"shelf": house.shelf()}, routes=[route(tls=tls)])


async def test_plain_http_is_sent_to_https_where_the_route_says_so(house):
    house.pair("a.test")
    async with serving(saying(ok())) as origin, await only_over_https(house, origin) as mesh:
        client = await mesh.client()
        answer = await client.ask(get("/x?y=1"))
        assert (answer.status, answer.headers["location"]) == (301, "https://a.test/x?y=1")
        answer = await client.ask(post(b"body"))
        assert (answer.status, answer.headers["location"]) == (308, "https://a.test/")
        client = await mesh.client()
        answer = await client.ask(get("/x", host="a.test:8080"))
        assert answer.headers["location"] == f"https://a.test:{mesh.secure_address[1]}/x"
        assert not origin.requests
        assert (await ask(mesh, house)).status == 200


async def test_hsts_is_sent_over_https_and_never_in_plain(house):
    house.pair("a.test")
    async with serving(saying(ok())) as origin:
        policy = TlsPolicy(hsts_seconds=31536000, hsts_subdomains=True)
        async with running(origin, tls={"shelf": house.shelf()}, routes=[route(tls=policy)]) as mesh:
            answer = await ask(mesh, house)
            assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
            assert "strict-transport-security" not in (await (await mesh.client()).ask(GET)).headers


async def test_a_trusted_proxy_that_ended_tls_is_believed(house):
    house.pair("a.test")
    policy = TlsPolicy(only=True)
    config = quick(trusted_proxies=("127.0.0.0/8",))
    async with serving(saying(ok())) as origin:
        tls = {"shelf": house.shelf()}
        async with running(origin, config=config, tls=tls, routes=[route(tls=policy)]) as mesh:
            client = await mesh.client()
            assert (await client.ask(get(extra=b"X-Forwarded-Proto: https\r\n"))).status == 200
            assert (await client.ask(get(extra=b"X-Forwarded-Proto: http\r\n"))).status == 301


async def test_without_https_listeners_tls_ends_before_us_and_the_route_is_served():
    async with serving(saying(ok())) as origin, running(origin, routes=[route(tls=TlsPolicy(only=True))]) as mesh:
        assert (await (await mesh.client()).ask(GET)).status == 200


# --- client certificates

KNOWN = TlsPolicy(clients=ClientCertificates(authority="staff"))
MAYBE = TlsPolicy(clients=ClientCertificates(authority="staff", required=False))


@pytest.fixture
def staff(house):
    """The authority of client certificates, and one client's certificate."""
    house.pair("a.test")
    house.pair("b.test")
    house.pair("c.test")
    ca = trustme.CA()
    house.authority("staff", ca)
    return ca


def showing(house, ca):
    context = house.trust()
    ca.issue_cert("someone@a.test", common_name='J, "x"').configure_cert(context)
    return context


def guarded(house, origin, **values):
    routes = [route("a.test", tls=KNOWN), route("b.test"), route("c.test", tls=MAYBE)]
    return running(origin, tls={"shelf": house.shelf()}, routes=routes, **values)


async def test_a_client_with_a_certificate_gets_in_and_the_container_hears_who_it_is(house, staff):
    async with serving(saying(ok())) as origin, guarded(house, origin) as mesh:
        client = await secure_client(mesh.secure_address, showing(house, staff))
        forged = get(extra=b"X-Forwarded-Client-Cert: Hash=0\r\n")
        assert (await client.ask(forged)).status == 200
        told = origin.requests[-1].field("X-Forwarded-Client-Cert")
        assert told.startswith("Hash=")
        assert "0;" not in told[:8]
        assert 'commonName=J? ?x?"' in told


async def rejected(mesh, context, name):
    """Whether the server turns this client away: in TLS 1.3 it hears of it with its first read."""
    try:
        client = await secure_client(mesh.secure_address, context, name)
        await client.send(get(host=name))
        return await client.read() == b""
    except (ssl.SSLError, ConnectionError):
        return True


async def test_a_client_without_certificate_or_with_a_foreign_one_is_turned_away(house, staff):
    async with serving(saying(ok())) as origin, guarded(house, origin) as mesh:
        assert await rejected(mesh, house.trust(), "a.test")
        assert await rejected(mesh, showing(house, trustme.CA()), "a.test")
        assert not origin.requests


async def test_an_optional_certificate_is_told_if_it_is_shown(house, staff):
    async with serving(saying(ok())) as origin, guarded(house, origin) as mesh:
        for context, told in ((house.trust(), False), (showing(house, staff), True)):
            client = await secure_client(mesh.secure_address, context, "c.test")
            assert (await client.ask(get(host="c.test"))).status == 200
            assert (origin.requests[-1].field("X-Forwarded-Client-Cert") is not None) is told
        assert await rejected(mesh, showing(house, trustme.CA()), "c.test")


async def test_a_connection_of_another_host_carries_no_request_for_a_guarded_one(house, staff):
    async with serving(saying(ok())) as origin, guarded(house, origin) as mesh:
        client = await secure_client(mesh.secure_address, showing(house, staff), "b.test")
        answer = await client.ask(get(host="a.test"))
        assert (answer.status, answer.reason) == (421, "misdirected")
        assert (await client.ask(get(host="b.test"))).status == 200
        known = await secure_client(mesh.secure_address, showing(house, staff), "a.test")
        assert (await known.ask(get(host="b.test"))).status == 421
        assert (await known.ask(get(host="A.TEST."))).status == 200


async def test_a_session_of_one_host_is_not_resumed_at_a_guarded_one(house, staff):
    async with serving(saying(ok())) as origin, guarded(house, origin) as mesh:
        context = showing(house, staff)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        first = await secure_client(mesh.secure_address, context, "c.test")
        assert (await first.ask(get(host="c.test"))).status == 200
        session = first.writer.pipe.session.session
        again = await secure_client(mesh.secure_address, context, "c.test", session)
        assert again.writer.pipe.session.session_reused
        crossed = await secure_client(mesh.secure_address, context, "a.test", session)
        assert not crossed.writer.pipe.session.session_reused


async def test_a_host_whose_authority_is_missing_refuses_everybody_until_it_is_there(house, staff):
    (house.authorities / "staff.pem").unlink()
    async with serving(saying(ok())) as origin, guarded(house, origin) as mesh:
        assert await alert_of(mesh, "a.test") == "TLSV1_ALERT_ACCESS_DENIED"
        assert (await ask(mesh, house, "b.test", get(host="b.test"))).status == 200
        house.authority("staff", staff)
        await until(lambda: "staff" in mesh.router.front.view.authorities)
        client = await secure_client(mesh.secure_address, showing(house, staff))
        assert (await client.ask(GET)).status == 200
        (house.authorities / "staff.pem").write_text("broken")
        await until(lambda: "staff" not in mesh.router.front.view.authorities)
        assert await alert_of(mesh, "a.test") == "TLSV1_ALERT_ACCESS_DENIED"


async def test_plain_http_never_reaches_a_host_of_known_clients(house, staff):
    async with serving(saying(ok())) as origin:
        async with guarded(house, origin) as mesh:
            assert (await (await mesh.client()).ask(GET)).status == 301
        async with running(origin, routes=[route(tls=KNOWN)]) as mesh:
            answer = await (await mesh.client()).ask(GET)
            assert (answer.status, answer.reason) == (403, "tls-required")
        config = quick(trusted_proxies=("127.0.0.0/8",))
        async with guarded(house, origin, config=config) as mesh:
            claimed = get(extra=b"X-Forwarded-Proto: https\r\n")
            assert (await (await mesh.client()).ask(claimed)).status == 403
        assert not origin.requests


async def test_an_old_connection_does_not_outlive_the_rule_that_came_later(house, staff):
    async with serving(saying(ok())) as origin, guarded(house, origin) as mesh:
        client = await secure_client(mesh.secure_address, house.trust(), "b.test")
        assert (await client.ask(get(host="b.test"))).status == 200
        mesh.publish([route("a.test", tls=KNOWN), route("b.test", tls=KNOWN)])
        assert (await client.ask(get(host="b.test"))).status == 421


def left_over():
    """What connections over TLS consist of, and is still there."""
    return [each for each in gc.get_objects() if isinstance(each, Downstream | Handshake | TlsStream | Wire)]


async def test_connections_over_tls_that_ended_need_no_garbage_collector(mesh, house):
    await ask(mesh, house)
    gc.collect()
    before = len(left_over())
    gc.disable()
    try:
        clients = [await secure_client(mesh.secure_address, house.trust()) for _ in range(3)]
        for client in clients:
            assert (await client.ask(GET)).body == b"secret"
        assert len(left_over()) > before
        for client in clients:
            client.reset()
        await until(lambda: len(mesh.core.connections) <= 1)
        clients.clear()
        del client
        mesh.core.wheel.slots.clear()  # it would let go of them with time
        await until(lambda: len(left_over()) <= before)
    finally:
        gc.enable()
