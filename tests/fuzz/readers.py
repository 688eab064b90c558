"""Other readers of HTTP/1, and what they take octets for: h11, llhttp (by httptools), and the strict reader of tests/cases."""

from __future__ import annotations

import h11
import httptools

from tests.cases.strict import read_request
from tests.fuzz.conversation import Message

MAX_HEAD = 1 << 20
LLHTTP_METHODS = frozenset(
    b"DELETE GET HEAD POST PUT OPTIONS COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT "
    b"MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE QUERY".split()
)


def strictly(data):
    """Requests by the strict reader; raises Ambiguous for what two servers might read in two ways."""
    found = []
    while data and (read := read_request(data)):
        request, at = read
        found.append(Message(request.method.encode(), request.target.encode("latin-1"), request.body))
        data = data[at:]
    return found


def by_h11(data):
    """(requests, whether it refused something) by h11 as a server that answers each 400, so that none becomes a tunnel."""
    server = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
    server.receive_data(data)
    found = []
    try:
        while (message := _h11_message(server)) is not None:
            found.append(Message(bytes(message[0].method), bytes(message[0].target), message[1]))
            server.send(h11.Response(status_code=400, headers=[("content-length", "0")]))
            server.send(h11.EndOfMessage())
            if server.our_state is not h11.DONE or server.their_state is not h11.DONE:
                return found, False
            server.start_next_cycle()
    except h11.RemoteProtocolError:
        return found, True
    return found, False


def by_h11_as_client(data, head_only, closed=True):
    """(final response, or None, whether it refused something) by h11 as a client."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    client.send(h11.Request(method="HEAD" if head_only else "GET", target="/", headers=[("host", "a.test")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    if closed:
        client.receive_data(b"")
    try:
        message = _h11_message(client)
    except h11.RemoteProtocolError:
        return None, True
    return message and Message(b"%d" % message[0].status_code, b"", message[1]), False


def _h11_message(connection):
    """(head, body) of the next whole message, or None."""
    head, body = None, []
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            return None
        if isinstance(event, h11.Request | h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            return head, b"".join(body)


class _Seen:
    """Callbacks of httptools."""

    def __init__(self):
        self.found = []
        self.parser = None
        self._url = self._body = b""

    def on_message_begin(self):
        self._url = self._body = b""

    def on_url(self, url):
        self._url += url

    def on_body(self, body):
        self._body += body

    def on_message_complete(self):
        response = isinstance(self.parser, httptools.HttpResponseParser)
        start = b"%d" % self.parser.get_status_code() if response else self.parser.get_method()
        self.found.append(Message(start, self._url, self._body))


def by_llhttp(data):
    """(requests, whether it refused something) by llhttp. It ends at any Upgrade, whose body it takes for the new protocol."""
    return _fed(httptools.HttpRequestParser, data)


def by_llhttp_as_client(data):
    """(responses, whether it refused something) by llhttp. It knows of no HEAD, and of no end by close."""
    return _fed(httptools.HttpResponseParser, data)


def _fed(make, data):
    seen = _Seen()
    seen.parser = make(seen)
    try:
        seen.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        return seen.found, False
    except httptools.HttpParserError:
        return seen.found, True
    return seen.found, False
