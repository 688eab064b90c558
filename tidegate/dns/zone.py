"""HOT: the answers from our own names. Counted: every query; guarded by bench/micro/dns_answer.py.

`answer` is the short cut: one look into the prepared answers by the question's bytes, then one join. What it does not
know goes the long way, `resolve`, which finds the name's place, prepares the answer and keeps it until a table change
touches a name it hangs on. So a table swap costs what changed, and a name costs its preparation once.
"""

from __future__ import annotations

from collections.abc import Sequence

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import chain, match, record, rrset, special, wire
from tidegate.dns.access import Access
from tidegate.dns.answer import Answer, by_view, respond
from tidegate.dns.authority import Authority
from tidegate.dns.chain import Chain
from tidegate.dns.cookie import Jar
from tidegate.dns.explain import Background, Explanation, explain
from tidegate.dns.match import Match, Place
from tidegate.dns.memo import STRUCTURE, Memo
from tidegate.dns.sheet import Sheet
from tidegate.dns.tally import Meter
from tidegate.dns.tree import STAR, Tree
from tidegate.dns.view import Asker, Networks
from tidegate.dns.wire import cookie_at
from tidegate.errors import Problem
from tidegate.model import DnsName, DnsTarget
from tidegate.routing import Delta, RoutingTable

_MAX_ASKERS = 4096
_MAX_VIEWS = 256  # views kept of one answer
_OF_THE_ALIAS = frozenset([wire.CNAME, wire.ANY])  # question types that a chain is not followed for
_EVERYTHING = STAR + b"\0"  # a route for every host is no claim to every name there is

_PLAIN_SIZE, _EDNS_SIZE, _STREAM_SIZE = wire.PLAIN_SIZE, wire.EDNS_SIZE, wire.STREAM_SIZE
_HEAD = tuple(bytes((0x84 | rd, low)) for rd in (0, 1) for low in range(256))
_ONE_QUESTION = b"\0\1\0\0\0\0"
_OPT = wire.option_record(do=False)
_OPT_DO = wire.option_record(do=True)
_NOTHING = Background()
_FOREIGN = Place.FOREIGN


class Zone:
    """Answers for the names of the routing table, bare and below `domain`, and for the reverse names of their addresses.

    Not ready until the first table is applied: until then our names get SERVFAIL, never NXDOMAIN. `recursion` says
    whether foreign names can be resolved at all (for the RA bit), `across_networks` whether containers are told addresses on
    networks they do not stand on where there are no others. `problems` are the names that had to be left out.
    `tallies` and the two meters count replies.
    Names at or below `delegated` are foreign where we would deny them: the operator has said who knows them.
    `access` knows who may have foreign names. Cookies are answered from `jar`; without one they are ignored.
    """

    def __init__(
        self,
        domain: str,
        ttl_seconds: int = 5,
        *,
        recursion: bool = True,
        delegated: frozenset[bytes] = frozenset(),
        across_networks: bool = False,
        access: Access | None = None,
        jar: Jar | None = None,
    ) -> None:
        self.apex = wire.encode(domain)
        self.apexes = (special.REVERSE_APEXES - delegated) | {self.apex}
        self._delegated = delegated
        self.recursion = recursion
        self.version = 0
        self.shape = 0  # changes whenever a name comes or goes: what was nobody's name may be ours then
        self._across_networks = across_networks
        self.jar = jar
        self._access = access or Access()
        self._authority = Authority(domain, ttl_seconds, self.apexes)
        self.tallies = self._authority.tallies
        self.udp_meter = Meter()
        self.tcp_meter = Meter()
        self._tree = Tree(self.apexes)
        self._networks = Networks()
        self._names: dict[str, DnsName] = {}
        self._subnets: tuple[str, ...] = ()
        self._problems: dict[str, Problem] = {}
        self._externals = 0  # targets that are something outside
        self.sheet = Sheet(self.udp_meter, cookies=jar is not None)
        self._memo = Memo(sheet=self.sheet)
        self._answers = self._memo.answers
        self._askers: dict[bytes, Asker] = {}
        self.moves = 0  # changes whenever what is known of askers may have changed
        self._views: dict[tuple[frozenset[str], bytes, bool], int] = {}
        self._view_count = 0  # numbers given so far; never reused, so that a kept answer cannot meet a wrong view

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Names of the table that cannot be names of the DNS."""
        return tuple(self._problems.values())

    def answer(self, data: bytes, asker: Asker) -> bytes | None:
        """The reply to a well-formed query whose answer is prepared; None sends the query the long way.

        A question that equals a prepared one is well-formed because that one is, so its labels need no walk. Octets
        behind the last record are ignored.
        """
        size = len(data)
        if size < 17 or data[2] & 0xF8 or data[4:10] != _ONE_QUESTION:
            return None
        end = raw.zero_at(data, 12) + 5
        found = self._answers.get(raw.lowered(data, 12, end))
        if found is None:
            return None
        if found.views is not None:
            found = found.views.get(asker.view)
            if found is None:
                return None
        room = _PLAIN_SIZE
        opt = b""
        do = False
        turn = found.turn
        variant = found.variants[turn]
        if variant is None:
            variant = found.make(turn)
        counts = variant.counts
        if data[11]:
            if data[10] or data[11] > 1 or size < end + 11 or data[end : end + 3] != b"\0\0\x29" or data[end + 6]:
                return None
            opt_end = end + 11 + (data[end + 9] << 8 | data[end + 10])
            if opt_end > size:
                return None
            room = min(max(room, data[end + 3] << 8 | data[end + 4]), _EDNS_SIZE)
            at = cookie_at(data, end + 11, opt_end) if opt_end > end + 11 else 0
            if at < 0:
                return None
            do = data[end + 7] >= 0x80
            if at and self.jar is not None:
                at_end = at + (data[at - 2] << 8 | data[at - 1])
                opt = self.jar.record(data[at:at_end], asker.source, do)
            else:
                opt = _OPT_DO if do else _OPT
            counts = variant.counts_opt
        elif data[10]:
            return None
        tail = variant.tail
        length = end + len(tail) + len(opt)
        if length > room and (length > _STREAM_SIZE or not asker.stream):
            return None
        found.turn = turn + 1 if turn + 1 < len(found.variants) else 0
        found.tally.add(asker.lane)
        meter = self.tcp_meter if asker.stream else self.udp_meter
        meter.add(size, length, do)
        head = _HEAD[(data[2] & 1) << 8 | asker.ra | data[3] & 0x10 | found.rcode]
        return b"".join((data[:2], head, counts, data[12:end], tail, opt))

    def write(self, data: bytes, asker: Asker) -> None:
        """Put on the sheet what `answer` has just said to `data`."""
        question = data[12 : data.find(b"\0", 12) + 5].lower()
        found = self._answers.get(question)
        view = 0
        if found is not None and found.views is not None:
            view = asker.view
            found = found.views.get(view)
        if found is not None and not found.missing:
            self.sheet.put(question, view, found)

    def resolve(self, query: wire.Query, asker: Asker) -> bytes | None:
        """The reply to a parsed query without a fault; None for a name that is not ours."""
        found = self._prepared(query, asker)
        if found is None:
            return None
        found.tally.add(asker.lane)
        return respond(query, found, asker.recursion, wire.limit(query, asker.stream))

    def leaving(self, query: wire.Query) -> Chain | None:
        """The chain of a name of ours that stands for a foreign one, which must be asked for; None for all others."""
        if not self._externals or query.qtype in _OF_THE_ALIAS or not self._match(query.name, query.qtype).alias:
            return None
        found = self._chain(query)
        return found if found.is_open else None

    def asker(self, source: bytes, local: bytes, stream: bool = False) -> Asker:
        """Who asks from `source`, having reached us at `local` (4 or 16 octets each)."""
        key = (b"t" + source + local) if stream else (source + local)
        found = self._askers.get(key)
        if found is None:
            if len(self._askers) >= _MAX_ASKERS:
                self._askers.clear()
            networks = self._networks.of(source)
            is_trusted = self._access.trusts(source, local)
            confined = bool(networks) and not self._across_networks and self._networks.is_member(source)
            view = self._view((networks, local, confined))
            found = Asker(
                source,
                local,
                networks,
                view,
                self.recursion and is_trusted,
                stream,
                confined,
                limited=not is_trusted and not stream,
            )
            self._askers[key] = found
        return found

    def apply(self, table: RoutingTable, delta: Delta) -> None:
        """Follow the routing table: fits `TableCell.follow`. A delta that does not continue ours means a full compare."""
        changes = delta.names if self.version and delta.base == self.version else self._difference(table)
        reshaped = self.version == 0
        for key, name in changes.items():
            old = self._names.get(key)
            if old != name:
                reshaped |= self._retell(key, old, name)
        if table.subnets != self._subnets or not self.version:
            self._resite(table.subnets)
        self.version = table.version
        if reshaped:
            self.shape += 1
            self._memo.forget(STRUCTURE)
        self._memo.forget(self.apex)
        self._authority.renew(table.version)
        self.sheet.renew()

    def explain(self, name: str, qtype: int, asker: Asker, background: Background = _NOTHING) -> Explanation:
        """Why `asker` gets the answer it gets for `name`. Raises ValueError if that is no name."""
        wire_name = wire.encode(name)
        place = self._match(wire_name, qtype)
        answer = None if place.place is Place.FOREIGN else self._authority.prepare(place, wire_name, qtype, asker)
        return explain(wire_name, qtype, place, answer, asker, self.name_of(asker.source), background)

    def name_of(self, address: bytes) -> str:
        """The canonical name of who has this address (4 or 16 octets), relative to the zone; empty where nobody of the table
        has it alone, as with the host's own."""
        if not self._networks.is_member(address):
            return ""
        node = self._tree.nodes.get(record.reverse_name(address))
        return min(node.pointers, default="") if node is not None else ""

    # ------------------------------------------------------------------------------------------------ the long way

    def _prepared(self, query: wire.Query, asker: Asker) -> Answer | None:
        head = self._answers.get(raw.lowered(query.question, 0, len(query.question)))
        if head is not None and head.views is None:
            return head
        found = head.views.get(asker.view) if head is not None and head.views is not None else None
        if found is not None:
            return found
        place = self._match(query.name, query.qtype)
        if place.place is _FOREIGN:
            return None
        if self._externals and place.alias and query.qtype not in _OF_THE_ALIAS:
            return self._chained(query, asker)
        answer = self._authority.prepare(place, query.name, query.qtype, asker)
        if place.place is not Place.NOT_READY:
            self._keep(query.question, place, answer, head, asker)
        return answer

    def _chained(self, query: wire.Query, asker: Asker) -> Answer:
        """The answer to a question about an alias, as far as it is ours to tell. Not kept: it hangs on the whole chain."""
        found = self._chain(query)
        ends_here = not found.is_broken and not found.is_open
        end = self._prepared(chain.onward(query, found.name), asker) if ends_here else None
        return self._authority.chained(found, query.qtype, end)

    def _chain(self, query: wire.Query) -> Chain:
        return chain.follow(lambda name: self._match(name, query.qtype), query.name)

    def _match(self, name: bytes, qtype: int) -> Match:
        if self.version == 0 and match.is_local(name, self.apexes):
            return Match(Place.NOT_READY, b"")
        found = match.find(self._tree, self.apexes, name, qtype, self._networks)
        if self._delegated and found.place is Place.ABSENT and self._is_delegated(name, found):
            return Match(Place.FOREIGN, b"")
        return found

    def _is_delegated(self, name: bytes, found: Match) -> bool:
        """Has the operator said who knows this name, which we would deny? Never one of our zone, nor one without a dot."""
        if found.apex == self.apex or special.is_dotless(name):
            return False
        return bool(special.apex_above(name, self._delegated))

    def _keep(self, question: bytes, place: Match, answer: Answer, head: Answer | None, asker: Asker) -> None:
        if not _differs(place):
            self._memo.put(question, answer, _hangs_on(place, question))
            return
        if head is None:
            head = by_view(answer.tally)
            self._memo.put(question, head, _hangs_on(place, question))
        assert head.views is not None, "a name that differs by asker has a head with views"
        if len(head.views) >= _MAX_VIEWS:
            head.views.clear()
        head.views[asker.view] = answer

    def _view(self, key: tuple[frozenset[str], bytes, bool]) -> int:
        found = self._views.get(key)
        if found is None:
            if len(self._views) >= _MAX_ASKERS:
                self._views.clear()
            self._view_count += 1
            found = self._views[key] = self._view_count
        return found

    # ------------------------------------------------------------------------------------------ following the table

    def _difference(self, table: RoutingTable) -> dict[str, DnsName | None]:
        changes: dict[str, DnsName | None] = dict.fromkeys(key for key in self._names if key not in table.names)
        changes.update(table.names)
        return changes

    def _retell(self, key: str, old: DnsName | None, new: DnsName | None) -> bool:
        """Replace entry `key`. The new comes before the old goes, so that what stays is never gone. True if a name
        appeared or vanished, or may have."""
        reshaped = False
        before = self._wires(key, old)
        after = self._wires(key, new)
        if new is None:
            self._names.pop(key, None)
        else:
            self._names[key] = new
            for name in after:
                reshaped |= self._tree.claim(name, key, new)
        for name in before:
            if name not in after:
                reshaped |= self._tree.unclaim(name, key)
        for name in {*before, *after}:
            self._memo.forget(name)
        came, went = _moved(old.targets if old else (), new.targets if new else ())
        if came or went:
            self._repoint(came, went)
            self._askers.clear()
            self.moves += 1
            reshaped = True
        return reshaped or match.ports(old) != match.ports(new)

    def _repoint(self, came: Sequence[DnsTarget], went: Sequence[DnsTarget]) -> None:
        """Let the reverse names and the networks follow the targets that moved."""
        for target in came:
            self._networks.add(target)
            self._externals += bool(target.external)
            for name in _reverse_names(target):
                self._tree.point(name, target.name)
                self._memo.forget(name)
        for target in went:
            self._networks.remove(target)
            self._externals -= bool(target.external)
            for name in _reverse_names(target):
                self._tree.unpoint(name, target.name)
                self._memo.forget(name)

    def stand_at(self, own: frozenset[bytes]) -> None:
        """Learn the addresses of this host."""
        if self._access.stand_at(own):
            self._askers.clear()
            self.moves += 1

    def _resite(self, subnets: tuple[str, ...]) -> None:
        """Containers are elsewhere than was thought: others are trusted."""
        self._subnets = subnets
        self._access.learn(subnets)
        self._askers.clear()
        self.moves += 1

    def _wires(self, key: str, name: DnsName | None) -> tuple[bytes, ...]:
        """The names in wire form that table entry `key` stands for; none, and a problem noted, if they cannot be."""
        self._problems.pop(key, None)
        if name is None:
            return ()
        try:
            own = wire.encode(name.name)
            bare = () if own == _EVERYTHING else (own,)
            return bare if name.absolute else (*bare, wire.encode(self._authority.full(name.name)))
        except ValueError as error:
            self._problems[key] = Problem(
                code="T1801",
                text=f"{name.name!r} cannot be a name of the DNS",
                place=key,
                cause=str(error),
                mend="choose labels of 1 to 63 octets and names of at most 253",
                kept="all other names are answered",
            )
            return ()


def _differs(place: Match) -> bool:
    """Can two askers at this place get different answers?"""
    if place.place is Place.SERVER:
        return True
    return place.is_claimed and place.claim is not None and rrset.differs_by_asker(place.claim)


def _hangs_on(place: Match, question: bytes) -> tuple[bytes, ...]:
    """The names whose change must forget the answer to `question`."""
    own = question[:-4].lower()
    node = (place.node.name,) if place.node is not None and place.node.name != own else ()
    structure = (STRUCTURE,) if place.place in (Place.ABSENT, Place.WILDCARD, Place.EMPTY, Place.LOOPBACK) else ()
    return (own, *node, *structure)


def _moved(old: Sequence[DnsTarget], new: Sequence[DnsTarget]) -> tuple[list[DnsTarget], list[DnsTarget]]:
    """The targets that came and those that went, by what others see of where they are. Costs little where nothing moved,
    and no more than a look at each where one of many did."""
    if len(old) == len(new) and all(map(_is_where, old, new)):
        return [], []
    left: dict[str, list[DnsTarget]] = {}
    for target in old:
        left.setdefault(target.name, []).append(target)
    came = []
    for target in new:
        same = next((each for each in left.get(target.name, ()) if _is_where(each, target)), None)
        if same is None:
            came.append(target)
        else:
            left[target.name].remove(same)
    return came, [target for targets in left.values() for target in targets]


def _is_where(one: DnsTarget, other: DnsTarget) -> bool:
    return one is other or (
        one.addresses == other.addresses
        and one.name == other.name
        and one.on_host == other.on_host
        and bool(one.external) == bool(other.external)
    )


def _reverse_names(target: DnsTarget) -> list[bytes]:
    if not target.name or target.on_host:
        return []
    texts = [text for place in target.addresses for text in (place.ipv4, place.ipv6) if text]
    return [record.reverse_name(address) for text in texts if (address := record.packed(text))]
