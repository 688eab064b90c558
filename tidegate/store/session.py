"""Requests to the members of an etcd cluster: one member at a time for as long as it answers, then the next.

Every try has a deadline, and so has every call with all its tries. What a missed answer means is said by `Missed.verdict`;
only who asked knows whether it may ask again. Every request wants a leader (`hasleader`): a member that was cut off from the others
refuses, rather than being silent. A token that counts no longer is fetched anew.

The highest revision that was ever told is remembered. An answer from before it means that the store was restored from a
backup, or is another one: `epoch` then grows, and nothing that was watched may go on (`WatchLost`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import aiohttp
import msgspec

from tidegate.errors import Problem, StoreError
from tidegate.store import faults, gateway
from tidegate.store.address import EtcdAddress
from tidegate.store.bounds import full
from tidegate.store.credentials import Credentials
from tidegate.store.faults import Missed
from tidegate.store.gateway import Body, Fault, Header, LeaseLine, Lines, RangeAnswer, TokenAnswer, TxnAnswer, Verdict
from tidegate.telemetry import Metrics, NullMetrics, logger

TRY_SECONDS = 2.0  # for one member to answer; a leader is elected anew in about one
CONNECT_SECONDS = 1.0
CALL_SECONDS = 10.0  # for a call, all tries and waiting included
PENDING = 1000  # calls that may wait
CONNECTIONS = 32  # calls under way at once
PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4)  # before the next try; the last one for all that follow
SILENT_SECONDS = 5.0  # without any answer, until it is said that the store cannot be reached
FILES_SECONDS = 60.0  # between two looks whether what we are known by was exchanged
RESTORED_SECONDS = 600.0  # for which it is a problem that the store was restored
SAMPLE_SECONDS = 10.0  # between two revisions that are remembered with their time
_REFUSED_LOGIN = "authentication is not enabled"

T = TypeVar("T")
Clock = Callable[[], float]


class Stream:
    """An answer that goes on, line by line. Lines that were not taken stay, also where waiting for them was cancelled."""

    def __init__(self, member: str, response: aiohttp.ClientResponse) -> None:
        self.member = member
        self.begun = False  # set by who reads it, once the member said so
        self.began_at = 0  # the member's revision then
        self._response = response
        self._lines = Lines()

    async def lines(self) -> list[bytes]:
        """The next lines, none where a piece ended no line. Raises Missed once the answer has ended."""
        try:
            data = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise Missed(Verdict.UNKNOWN, _words(error), self.member) from error
        if not data:
            raise Missed(Verdict.UNKNOWN, "the stream ended", self.member)
        try:
            return list(self._lines.feed(data))
        except ValueError as error:
            raise Missed(Verdict.UNKNOWN, str(error), self.member) from error

    def close(self) -> None:
        """End it; who waits for a line is woken."""
        self._response.close()


class Session:
    """What all calls of one store share. `credentials` are loaded before; the constructor does nothing yet."""

    def __init__(self, address: EtcdAddress, credentials: Credentials, clock: Clock, rng: random.Random) -> None:
        self.address = address
        self.revision = 0  # highest one told so far
        self.metrics: Metrics = NullMetrics()
        self.epoch = 0  # grows when the store turns out to be an earlier one, or another
        self._credentials = credentials
        self._look_at = clock() + FILES_SECONDS  # at the files of the credentials
        self._clock = clock
        self._cluster = 0
        self._at = rng.randrange(len(address.urls))  # so that the members have about as many of us each
        self._token = ""
        self._missed = ""  # why the last try brought nothing
        self._silent: float | None = None  # since when no try brought anything; None while they do
        self._failed: Problem | None = None  # why the last call failed; None once a try succeeded
        self._full: Problem | None = None  # why it takes no writes; None once one succeeded
        self._restored: tuple[float, Problem] | None = None  # when it turned out to be another one than before
        self._doubts = 0  # tries that may have been carried out all the same
        self._open = False  # set where a user is given and the store wants none
        self._login = asyncio.Lock()
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._pending = 0
        self._samples: deque[tuple[float, int]] = deque(maxlen=400)
        self._http: aiohttp.ClientSession | None = None  # made at the first call
        self._closed = False

    @contextlib.asynccontextmanager
    async def call(self, seconds: float | None = None, *, writing: bool = False) -> AsyncIterator[None]:
        """One call with all its tries, bounded in time. Whatever is missed in the end becomes a StoreError; with `writing`
        one that says that the change may yet come to be. Raises StoreError (T1511) where too many wait already."""
        if self._closed or self._pending >= PENDING:
            raise StoreError(full("it is closed" if self._closed else f"{PENDING} calls wait already"))
        self._pending += 1
        self._missed, doubts = "no member answered", self._doubts
        try:
            async with asyncio.timeout(CALL_SECONDS if seconds is None else seconds):
                yield
        except TimeoutError:
            unsure = writing and doubts != self._doubts
            self._failed = (faults.unsure if unsure else faults.unreachable)(self.address, self._missed)
            raise StoreError(self._failed) from None
        except Missed as missed:
            if self._closed:
                raise StoreError(full("it is closed")) from missed
            unsure = missed.verdict is Verdict.UNKNOWN
            self._failed = faults.unsure(self.address, str(missed)) if unsure else faults.refused(self.address, missed)
            if self._failed.code == faults.FULL and self._full is None:
                logger("store").error("%s", self._failed)
                self._full = self._failed
            raise StoreError(self._failed) from missed
        finally:
            self._pending -= 1

    @property
    def problem(self) -> Problem | None:
        """Why the last call failed, or that nothing has been heard for a while, also of a call that was given up."""
        if self._failed is None and self._silent is not None and self._clock() - self._silent > SILENT_SECONDS:
            return faults.unreachable(self.address, self._missed)
        return self._failed

    @property
    def lasting(self) -> tuple[Problem, ...]:
        """What is wrong though calls succeed: it takes no writes, or it was restored of late."""
        said = self.problem is not None and self.problem.code == faults.FULL
        full = (self._full,) if self._full is not None and not said else ()
        if self._restored is None or self._clock() - self._restored[0] > RESTORED_SECONDS:
            return full
        return (*full, self._restored[1])

    async def ask(self, path: str, body: Body, kind: type[T], seconds: float | None = None) -> T:
        """A call with the answer to what may be asked twice. Raises StoreError."""
        async with self.call(seconds):
            return await self.again(path, body, kind)

    async def again(self, path: str, body: Body, kind: type[T]) -> T:
        """Within a call: the answer to what may be asked twice. Tries for ever; raises Missed where trying is no use."""
        return await self._tried(path, body, kind, (Verdict.AGAIN, Verdict.LOGIN, Verdict.UNKNOWN))

    async def once(self, path: str, body: Body, kind: type[T]) -> T:
        """Within a call: the answer to what may be carried out once only. Raises Missed where it may have been, too."""
        return await self._tried(path, body, kind, (Verdict.AGAIN, Verdict.LOGIN))

    async def stream(self, path: str, body: Body, avoided: str = "") -> Stream:
        """Within a call: an answer that goes on, from another member than `avoided` where there is one. Raises Missed."""
        if self._member == avoided:
            self._turn(avoided)
        member = self._member
        async with self._held(member) as headers, asyncio.timeout(TRY_SECONDS):
            response = await self._session().post(member + path, data=gateway.encode(body), headers=headers)
            if response.status == 200:
                return Stream(member, response)
            raise self.missed(member, gateway.fault_of(response.status, await response.read()))

    def missed(self, member: str, fault: Fault) -> Missed:
        """What a fault means, for who asked and for whom to ask next."""
        verdict = gateway.verdict(fault)
        if verdict is Verdict.LOGIN:
            verdict = Verdict.LOGIN if self.address.user else Verdict.REFUSED
            self._token, self._open = "", False
        missed = Missed(verdict, fault.text, member, fault.number)
        return self._left(missed) if verdict in {Verdict.AGAIN, Verdict.UNKNOWN} else missed

    def reached(self) -> None:
        """Something was heard of a member that has a leader."""
        self._silent = self._failed = None

    def witness(self, revision: int) -> None:
        """A revision that was seen elsewhere than in an answer."""
        self.revision = max(self.revision, revision)

    def revision_of(self, seconds: float) -> int:
        """The newest revision known to be at least so old; 0 where none is."""
        old = [revision for when, revision in self._samples if when <= self._clock() - seconds]
        return old[-1] if old else 0

    async def close(self) -> None:
        """Let go of all connections; calls under way fail."""
        self._closed = True
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    # -------------------------------------------------------------------------------------------------------- one try

    @property
    def _member(self) -> str:
        return self.address.urls[self._at]

    def _left(self, missed: Missed) -> Missed:
        """A member that brought nothing: the next one's turn."""
        self._turn(missed.member)
        self.metrics.count("tidegate_store_missed_tries_total", verdict=missed.verdict.value)
        self._missed = str(missed)
        self._silent = self._clock() if self._silent is None else self._silent
        return missed

    def _turn(self, member: str) -> None:
        """Leave a member that did not answer; who finds it left already stays where the others are."""
        if self._member == member:
            self._at = (self._at + 1) % len(self.address.urls)

    async def _tried(self, path: str, body: Body, kind: type[T], bearable: tuple[Verdict, ...]) -> T:
        data, asked = gateway.encode(body), self._clock()
        for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1])):
            await asyncio.sleep(pause)
            try:
                found = await self._answer(path, data, kind)
            except Missed as missed:
                self._doubts += missed.verdict is Verdict.UNKNOWN
                if missed.verdict not in bearable:
                    raise
            except asyncio.CancelledError:  # the call's time is over
                self._doubts += 1
                raise
            else:
                call = _CALLS.get(path.rpartition("/")[2], "other")
                self.metrics.observe("tidegate_store_call_seconds", self._clock() - asked, call=call)
                return found
        raise AssertionError("it tries for ever")

    async def _answer(self, path: str, data: bytes, kind: type[T]) -> T:
        floor = self.revision
        async with self._turns:
            member = self._member
            answer = await self._exchange(member, path, data)
        try:
            found = msgspec.json.decode(answer, type=kind, strict=False)
        except msgspec.MsgspecError as error:
            raise Missed(Verdict.UNKNOWN, f"an answer that is not etcd's: {error}", member) from error
        if isinstance(found, LeaseLine) and found.error is not None:
            raise self.missed(member, found.error)
        if isinstance(found, RangeAnswer | TxnAnswer):
            self._saw(found.header, floor)
        if self._full is not None and isinstance(found, TxnAnswer) and found.succeeded and b"request_put" in data:
            logger("store").info("the store takes writes again")
            self._full = None
        self.reached()
        return found

    async def _exchange(self, member: str, path: str, data: bytes) -> bytes:
        # Not aiohttp's own total: where it ends in the same turn as the call's time, it swallows that cancellation.
        async with self._held(member) as headers, asyncio.timeout(TRY_SECONDS):
            async with self._session().post(member + path, data=data, headers=headers) as response:
                answer = await response.read()
            if response.status != 200:
                raise self.missed(member, gateway.fault_of(response.status, answer))
            return answer

    @contextlib.asynccontextmanager
    async def _held(self, member: str) -> AsyncIterator[dict[str, str]]:
        """The headers for a try of this member; what goes wrong with it becomes Missed, and the next one's turn."""
        try:
            await self._look()
            token = await self._token_of(member)
            yield _HEADERS | ({"Authorization": token} if token else {})
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise self._left(Missed(Verdict.AGAIN, _words(error), member)) from error
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise self._left(Missed(Verdict.UNKNOWN, _words(error), member)) from error
        except RuntimeError as error:
            if not self._closed:
                raise
            raise Missed(Verdict.REFUSED, "the store is closed", member) from error

    async def _look(self) -> None:
        """Now and then: were our certificate or password exchanged?"""
        if self._credentials.changeable and self._clock() >= self._look_at:
            self._look_at = self._clock() + FILES_SECONDS
            await asyncio.to_thread(self._credentials.renew)

    async def _token_of(self, member: str) -> str:
        """What the store knows us by, fetched where there is none."""
        if not self.address.user or self._open:
            return ""
        async with self._login:
            if not self._token and not self._open:
                await self._log_in(member)
            return self._token

    async def _log_in(self, member: str) -> None:
        body = gateway.encode({"name": self.address.user, "password": self._credentials.password})
        url = f"{member}/v3/auth/authenticate"
        async with asyncio.timeout(TRY_SECONDS), self._session().post(url, data=body, headers=_HEADERS) as response:
            answer = await response.read()
        if response.status == 200:
            self._token = msgspec.json.decode(answer, type=TokenAnswer).token
            return
        missed = self.missed(member, gateway.fault_of(response.status, answer))
        self._open = _REFUSED_LOGIN in missed.text
        if not self._open:
            raise missed

    def _session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise RuntimeError("the store is closed")
        if self._http is None:
            connector = aiohttp.TCPConnector(limit=0, ssl=self._credentials.tls or True)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            self._http = aiohttp.ClientSession(
                connector=connector, timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._http

    # ------------------------------------------------------------------------------------------------- what it has seen

    def _saw(self, header: Header, floor: int) -> None:
        """A revision that is certain to be no older than `floor`, which was told before it was asked for."""
        if header.revision < floor or self._cluster not in {0, header.cluster_id}:
            self.renew()
            self._restored = self._clock(), faults.restored(self.address, floor, header.revision)
            logger("store").error("%s", self._restored[1])
            self.revision = 0
        self._cluster = header.cluster_id
        self.revision = max(self.revision, header.revision)
        now = self._clock()
        if not self._samples or self._samples[-1][0] + SAMPLE_SECONDS <= now:
            self._samples.append((now, self.revision))

    def renew(self) -> None:
        """Nothing that was read before counts any more: whoever watches lists again."""
        self.epoch += 1
        self._samples.clear()


# What the gateway calls it, and what our own interface does.
_CALLS = {
    "range": "list",
    "txn": "txn",
    "grant": "grant",
    "keepalive": "keep",
    "revoke": "revoke",
    "compaction": "compact",
}
_HEADERS = {"Content-Type": "application/json", "Grpc-Metadata-hasleader": "true"}


def _words(error: BaseException) -> str:
    cause = getattr(error, "os_error", error) if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ConnectionError) and cause.errno:
        return os.strerror(cause.errno).lower()
    if isinstance(cause, aiohttp.ClientPayloadError):
        return "the connection was lost"
    if isinstance(cause, TimeoutError):
        return f"no answer within {TRY_SECONDS:g} s"
    return " ".join(str(cause).split())[:300] or type(cause).__name__
