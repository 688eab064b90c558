"""What the tools print, as recorded from real runs, and what is read from it."""

from bench.macro import dnsperf, openloop, wrk
from bench.macro.program import Cpu, spent

WRK = """\
Running 3s test @ http://127.0.0.1:40123/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.38ms    1.02ms  17.43ms   91.57%
    Req/Sec    49.30k     3.07k   52.57k    90.00%
  147030 requests in 3.00s, 34.91MB read
RESULT requests=147030 seconds=3.000231 bytes=36610470 p50_ms=1.1600 p99_ms=5.2590 bad_status=0 broken=0
"""

DNSPERF = """\
> NOERROR a.mesh.internal A 0.000252
> NOERROR a.mesh.internal AAAA 0.000129
Statistics:

  Queries sent:         4
  Queries completed:    4 (100.00%)
  Queries lost:         0 (0.00%)

  Response codes:       NOERROR 4 (100.00%)
  Average packet size:  request 33, response 55
  Run time (s):         0.001530
  Queries per second:   2614.379085

  Average Latency (s):  0.000149 (min 0.000106, max 0.000252)
  Latency StdDev (s):   0.000069
"""


def test_the_result_line_of_wrk_is_read():
    outcome = wrk.parse(WRK)
    assert (outcome.requests, outcome.p99_ms, outcome.broken) == (147030, 5.259, 0)


def test_wrk_without_a_result_line_gives_nothing():
    assert wrk.parse("unable to connect to 127.0.0.1:1 Connection refused\n") is None


def test_the_statistics_of_dnsperf_are_read():
    outcome = dnsperf.parse(DNSPERF)
    assert (outcome.sent, outcome.answers, outcome.seconds) == (4, 4, 0.00153)


def test_each_latency_of_dnsperf_is_read():
    assert dnsperf.parse_latencies(DNSPERF) == [0.000252, 0.000129]


def test_dnsperf_without_an_answer_gives_nothing():
    assert dnsperf.parse("Warning: received a response with an unexpected id\n") is None


def test_cpu_is_the_difference_of_all_processes_and_of_the_busiest():
    before = {1: Cpu(user=1.0, kernel=1.0), 2: Cpu(user=5.0, kernel=5.0)}
    after = {1: Cpu(user=1.5, kernel=1.25), 2: Cpu(user=7.0, kernel=6.0), 3: Cpu(user=0.25)}
    used = spent(before, after)
    assert (used.total.total, used.busiest.total) == (4.0, 3.0)


def test_an_answer_is_whole_with_its_length_or_its_last_chunk():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    assert openloop._complete(answer)
    assert not any(openloop._complete(answer[:end]) for end in range(len(answer)))
    assert openloop._complete(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


def test_the_open_loop_sends_twelve_headers_besides_host():
    head, _, rest = openloop.request_bytes("a.test").partition(b"\r\n\r\n")
    assert (len(head.split(b"\r\n")) - 2, rest) == (12, b"")
