"""Labels and what they come to: the route's effective settings, and the codes of what was told."""

from __future__ import annotations

import pytest

from tests.support.built import make
from tidegate.discovery.labels import understand
from tidegate.engine.port import ContainerDetail
from tidegate.model import InstanceState
from tidegate.settings.policies import settings_of

T80 = {"tidegate.routing.port_80": "a.test"}
A80 = {"aliyun.routing.port_80": "a.test"}
STICKY = {"balance.sticky": "true"}
HASH = "$2b$12$" + "a" * 53
CLOSED = None  # there is no route

CASES = [
    (T80, {}, []),
    (A80, STICKY, []),
    (A80 | {"aliyun.routing.session_sticky": "false"}, {}, []),
    (A80 | {"tidegate.balance.sticky": "false"}, {}, []),
    (A80 | T80, STICKY, []),
    (T80 | {"tidegate.routing.session_sticky": "true"}, STICKY, []),
    ({"tidegate.host": "https://a.test", "tidegate.port": "80"}, {"tls.redirect": "true"}, []),
    ({"tidegate.host": "https://a.test", "tidegate.port": "80", "tidegate.tls.redirect": "false"}, {}, []),
    ({"aliyun.routing.port_80": "https://a.test;http://a.test"}, STICKY, []),
    (T80 | {"tidegate.timeout.connect_seconds": "0.50"}, {"timeout.connect_seconds": "0.5"}, []),
    (T80 | {"tidegate.timeout.connect_seconds": "2"}, {}, []),
    (T80 | {"tidegate.timeout.connect_seconds": "500ms"}, {}, ["T1208"]),
    (T80 | {"tidegate.timeout.connect": "1"}, {}, ["T1203"]),
    (T80 | {"tidegate.port_80.retry.tries": "1", "tidegate.retry.tries": "2"}, {"retry.tries": "1"}, []),
    (T80 | {"tidegate.port_81.retry.tries": "1", "tidegate.retry.tries": "2"}, {"retry.tries": "2"}, []),
    (T80 | {"tidegate.limit.body_bytes": "10 mib"}, {"limit.body_bytes": "10MiB"}, []),
    (T80 | {"tidegate.balance.algorithm": "hash", "tidegate.balance.hash_key": "header:X-User"},
     {"balance.algorithm": "hash", "balance.hash_key": "header:x-user"}, []),
    (T80 | {"tidegate.filter.allow": "10.0.0.0/8,192.0.2.1"}, {"filter.allow": "10.0.0.0/8, 192.0.2.1/32"}, []),
    (T80 | {"tidegate.filter.allow": "${ALLOW}"}, CLOSED, ["T1212"]),
    (T80 | {"tidegate.filter.allow": ""}, CLOSED, ["T1212"]),
    (T80 | {"tidegate.filter.allow": "a\nb"}, CLOSED, ["T1212"]),
    (T80 | {"tidegate.filters.allow": "10.0.0.0/8"}, CLOSED, ["T1203"]),
    (T80 | {"tidegate.filter.alow": "10.0.0.0/8"}, CLOSED, ["T1203"]),
    (T80 | {"tidegate.port_80.filter.allow": "x"}, CLOSED, ["T1212"]),
    (T80 | {"tidegate.port_81.filter.allow": "x"}, {}, ["T1212"]),
    (T80 | {"tidegate.port_x.filter.allow": "10.0.0.0/8"}, CLOSED, ["T1212"]),
    (T80 | {"tidegate.filter.allow": "10.0.0.0/8", "tidegate.port_80.filter.allow": "off"}, {}, []),
    (T80 | {"tidegate.filter.basic_auth.users": f"al:{HASH}"}, {"filter.basic_auth.users": f"al:{HASH}"}, []),
    (T80 | {"tidegate.filter.basic_auth.users": "al:hunter2"}, CLOSED, ["T1212"]),
    (T80 | {"tidegate.filter.basic_auth.realm": "x"}, CLOSED, ["T1212"]),
    (T80 | {"tidegate.filter.rate.burst": "5"}, CLOSED, ["T1212"]),
    (T80 | {"tidegate.filter.rate.per_second": "5"}, {"filter.rate.per_second": "5"}, []),
    (T80 | {"tidegate.filter.forward_auth.url": "http://10.0.0.1/"}, CLOSED, ["T1212"]),
    (T80 | {"tidegate.filter.redirect.scheme": "https"}, {"filter.redirect.scheme": "https"}, []),
    (T80 | {"tidegate.filter.redirect.status": "301"}, {}, ["T1208"]),
    (T80 | {"tidegate.filter.compress": "true"}, {"filter.compress": "on"}, []),
    (T80 | {"tidegate.filter.compress.min_bytes": "2KiB"}, {"filter.compress.min_bytes": "2KiB"}, []),
    (T80 | {"tidegate.filter.header.response.set.X-Frame-Options": "DENY"},
     {"filter.header.response.set.x-frame-options": "DENY"}, []),
    (T80 | {"tidegate.filter.header.request.set.Host": "b.test"}, {}, ["T1208"]),
    (T80 | {"tidegate.filter.strip_prefix": "yes"}, {}, ["T1208"]),
    (T80 | {"tidegate.page.503": "<p>later</p>"}, {"page.503": "<p>later</p>"}, []),
    (T80 | {"tidegate.page.200": "x"}, {}, ["T1208"]),
    (T80 | {"tidegate.upstream.scheme": "https", "tidegate.upstream.name": "Web.Test"},
     {"upstream.scheme": "https", "upstream.name": "web.test"}, []),
    (T80 | {"tidegate.upstream.client_certificate": "mine"}, {}, ["T1208"]),
    (T80 | {"tidegate.upstream.authority": "/etc/ssl/ca.pem"}, {}, ["T1208"]),
    (T80 | {"tidegate.access_log": "false"}, {"access_log": "false"}, []),
    (T80 | {"tidegate.match.header.X-Beta": "a&b"}, CLOSED, ["T1212"]),
    (T80 | {"tidegate.match.headers.X-Beta": "1"}, CLOSED, ["T1212"]),
    (T80 | {f"tidegate.filter.header.request.set.x-{n}": "1" for n in range(200)}, CLOSED, ["T1212"]),
]  # fmt: skip


def effective(labels):
    detail = ContainerDetail(labels=labels, id="c1", name="web-1", image="web:1", state=InstanceState.RUNNING)
    instance = understand(detail, "docker", "n1")
    made = make(instance)
    route = made.table.routes.get("a.test/")
    return settings_of(route.policy) if route is not None else None, [problem.code for problem in instance.problems]


@pytest.mark.parametrize(("labels", "settings", "codes"), CASES)
def test_labels_come_to_these_settings(labels, settings, codes):
    assert effective(labels) == (settings, codes)


def test_conditions_of_labels_make_a_route_of_their_own():
    labels = T80 | {"tidegate.match.header.X-Beta": "1", "tidegate.match.method": "POST,get"}
    detail = ContainerDetail(labels=labels, id="c1", name="web-1", image="web:1", state=InstanceState.RUNNING)
    assert set(make(understand(detail, "docker", "n1")).table.routes) == {"a.test/#method=GET+POST&header.x-beta=1"}
