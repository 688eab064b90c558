"""Cost of the head codec: `python -m bench.micro.parse_head` prints microseconds per head, compiled or not."""

import timeit

from tidegate.http1 import request, response
from tidegate.http1.events import Limits

REQUEST = (
    b"GET /api/items/42?page=3&sort=name HTTP/1.1\r\nHost: bench.test\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Referer: https://bench.test/start\r\nConnection: keep-alive\r\nCookie: session=0123456789abcdef; theme=dark\r\n"
    b"Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n"
    b"Sec-Fetch-Site: same-origin\r\nCache-Control: max-age=0\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\nContent-Type: application/octet-stream\r\n"
    b"Content-Length: 100\r\nConnection: keep-alive\r\nX-Request-Id: 0123456789abcdef\r\n\r\n"
)


def main() -> None:
    limits = Limits()
    rounds = 20000 if request.__file__.endswith(".so") else 2000
    for name, call in (
        ("request, 13 fields", lambda: request.parse_request(REQUEST, 0, limits)),
        ("response, 6 fields", lambda: response.parse_response(RESPONSE, 0, False, limits)),
    ):
        best = min(timeit.repeat(call, number=rounds, repeat=5)) / rounds
        print(f"{name}: {best * 1e6:.2f} us  ({request.__file__.rsplit('.', 1)[1]})")


if __name__ == "__main__":
    main()
