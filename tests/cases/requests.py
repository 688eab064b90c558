"""Judging request cases: what a strict origin saw, and what the client heard."""

from __future__ import annotations

from collections import defaultdict

from tests.cases.strict import Ambiguous, read_answers, read_request
from tests.cases.talk import head_requests, talk
from tests.fuzz.readers import by_h11

#: How a finding begins when octets went out that could do harm; other findings are about manners.
UNSAFE = ("forwarded what", "smuggled", "too many")
MARKER = "/smuggled"  # no request with this in its target may ever reach the origin


class Recorder:
    """An origin that reads strictly and notes every request, and every octet it would not take."""

    def __init__(self):
        self.seen = []
        self.ambiguous = []
        self.octets = {}  # what came, by connection

    def forget(self):
        self.seen.clear()
        self.ambiguous.clear()
        self.octets.clear()

    async def __call__(self, peer):
        kept = b""
        while data := await peer.reader.read(65536):
            kept += data
            self.octets[peer.number] = self.octets.get(peer.number, b"") + data
            while kept:
                try:
                    found = read_request(kept)
                except Ambiguous as fault:
                    self.ambiguous.append(str(fault))
                    return
                if found is None:
                    break
                request, at = found
                kept = kept[at:]
                self.seen.append(request)
                bare = request.method == "HEAD"
                await peer.send(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (0 if bare else 2) + b"ok"[2 * bare :]
                )


async def finding(case, address, recorder):
    """What is wrong with how any proxy took the case; empty if nothing is."""
    return (await _played(case, address, recorder))[0]


async def own_finding(case, address, recorder):
    """The same of our own router, which is to give the right reason too, and octets that h11 reads alike."""
    wrong, statuses = await _played(case, address, recorder)
    return wrong or other_status(case, recorder, statuses) or _otherwise_read(recorder)


async def _played(case, address, recorder):
    recorder.forget()
    heard = await talk(address, case["raw"], expected=case["requests"], case=case)
    answers = read_answers(heard.data, head_requests(case["raw"]))[0]
    statuses = [answer.status for answer in answers if answer.status >= 200]
    wrong = (
        _unsafe(case, recorder)
        or (_not_refused if case["expected"] == "reject" else _not_forwarded)(case, recorder, statuses, heard.closed)
        or _wrong_blame(statuses)
    )
    return wrong, statuses


def _otherwise_read(recorder):
    found = sum(len(by_h11(octets)[0]) for octets in recorder.octets.values())
    return "" if found == len(recorder.seen) else f"h11 reads {found} requests, we forwarded {len(recorder.seen)}"


def _unsafe(case, recorder):
    seen = recorder.seen
    if recorder.ambiguous:
        return f"forwarded what a strict reader refuses: {recorder.ambiguous[0]}"
    if any(MARKER in request.target for request in seen) and not case.get("allow_marker"):
        return f"smuggled: {[(request.method, request.target) for request in seen]}"
    if len(seen) > case["requests"]:
        harm = "took" if case["expected"] == "reject" else "too many"
        return f"{harm}: {seen[-1].method} {seen[-1].target}, {len(seen)} requests of {case['requests']}"
    return ""


def _not_refused(case, recorder, statuses, closed):
    refused = closed or any(status >= 400 for status in statuses) or case.get("hang_ok")
    if not refused:
        return f"neither refused nor closed: {statuses}"
    refusals = statuses[case["requests"] :]
    if any(status < 400 for status in refusals):
        return f"answered {statuses}"
    return ""


def _not_forwarded(case, recorder, statuses, closed):
    seen = recorder.seen
    if seen and case.get("forward") and (faults := _unlike(case["forward"], seen[0])):
        return "; ".join(faults)
    if case["expected"] == "forward-normalised" and len(seen) < case["requests"]:
        return f"answered {statuses}, the origin saw {len(seen)} of {case['requests']}"
    if not seen and not closed and not statuses and not case.get("hang_ok"):
        return "no answer"
    if case.get("close") and seen and not closed:
        return "the connection stays open"
    return ""


def _wrong_blame(statuses):
    return f"blamed the server: {statuses}" if any(s >= 500 and s not in (501, 505) for s in statuses) else ""


def _unlike(wanted, request):
    """How the forwarded request differs from what the case wants."""
    fields = defaultdict(list)
    for name, value in request.headers:
        fields[name].append(value)
    host = request.host or ""
    checks = {
        "method": lambda want: request.method == want,
        "target": lambda want: request.target == want,
        "version": lambda want: request.version == want,
        "host": lambda want: host == want,
        "host_ci": lambda want: host.lower() == want,
        "host_prefix": lambda want: host.lower().startswith(want),
        "body": lambda want: request.body == want.encode("latin-1"),
        "cl": lambda want: request.length is None or str(request.length) == want,
        "no_cl": lambda want: request.length is None or not request.chunked,
        "no_ext": lambda want: not request.extended,
        "no_fold": lambda _: not any("\n" in value for _, value in request.headers),
        "headers_has": lambda want: all(value in fields[name] for name, value in want.items()),
        "headers_not": lambda want: not any(_present(fields, entry) for entry in want),
        "headers_not_value": lambda want: not any(value in one for name, value in want for one in fields[name]),
        "headers_present_any": lambda want: any(fields[name] for name in want),
        "upgrade_not": lambda want: not any(want in one.lower() for one in fields["upgrade"]),
    }
    return [f"{key} is not {want!r}: {request}" for key, want in wanted.items() if not checks[key](want)]


def _present(fields, entry):
    """`entry` is a name, or `name:value`."""
    name, _, value = entry.partition(":")
    return bool(fields[name]) and (not value or value in fields[name])


def other_status(case, recorder, statuses):
    """For a request that was refused: whether with another status than the case allows. Empty if not."""
    before = case["requests"] if case["expected"] == "reject" else 0
    refusal = statuses[before : before + 1]
    if len(recorder.seen) == before and refusal and refusal[0] not in case.get("status", refusal):
        return f"refused with {refusal[0]}, not {case['status']}"
    return ""
