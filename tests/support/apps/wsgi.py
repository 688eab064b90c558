"""The contract as a WSGI application, for gunicorn."""

from __future__ import annotations

from tests.support.apps import contract

REASONS = {200: "OK", 204: "No Content", 304: "Not Modified", 404: "Not Found", 413: "Content Too Large"}


def application(environ, start_response):
    def start(status, *fields):
        start_response(f"{status} {REASONS[status]}", list(fields))

    path = environ["PATH_INFO"]
    what, _, rest = path.strip("/").partition("/")
    known = contract.answer(path, fields_of(environ), environ["RAW_URI"].encode())
    if known:
        status, fields, body = known
        length = [] if body is None else [("Content-Length", str(len(body)))]
        start(status, *fields, *length)
        return [body or b""]
    if what == "echo":
        return echo(environ, start)
    if what == "stream":
        start(200)
        return contract.pieces(int(rest))
    if what == "events":
        start(200, ("Content-Type", "text/event-stream"))
        return events(rest)
    if what == "refuse":
        start(413, ("Content-Length", "7"))
        return [b"refused"]
    raise AssertionError(path)


def echo(environ, start):
    body = environ["wsgi.input"].read()
    framing = "chunked" if environ.get("HTTP_TRANSFER_ENCODING") else "length"
    start(200, ("Content-Length", str(len(body))), ("X-Framing", framing), ("X-Method", environ["REQUEST_METHOD"]))
    return [body]


def events(name):
    for number in range(contract.EVENTS):
        yield contract.event(number)
        if not contract.wait_for_gate(name, number):
            return


def fields_of(environ):
    return [[key[5:].replace("_", "-").lower(), value] for key, value in environ.items() if key.startswith("HTTP_")]
