"""All certificates that are good now, kept up with their files: one look a second, a pair taken whole or not at all.

Theory: a pair is *read* when its files change; a good one takes the place of the one before; a bad one becomes a problem
and changes nothing. A pair whose chain is gone in two looks running is taken off. Whoever serves takes `view`, which is
replaced, never changed; looks may run in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from tidegate import yamlfile
from tidegate.config import TlsConfig
from tidegate.errors import Problem, Severity
from tidegate.policy import ClientCertificates
from tidegate.tls.certificate import Pair, Unusable, read_certificate, read_pair
from tidegate.tls.files import PairFiles, Signature, authorities_in, content, pairs_in, signature
from tidegate.tls.index import Index
from tidegate.tls.statics import Section, read_section

LOOK_SECONDS = 1.0
_SETTLED_SECONDS = 2.0  # two writes within a file system's clock tick look alike; a file this young is read again
_DAY = 86400.0
_WARN_DAYS = (30, 14, 3)
_KEPT = "what was served before stays"


class View:
    """What serves now. `clients`: hosts of static files whose clients must show a certificate."""

    def __init__(self) -> None:
        self.pairs: tuple[Pair, ...] = ()
        self.index = Index()
        self.default: Pair | None = None
        self.authorities: dict[str, bytes] = {}
        self.clients: dict[str, ClientCertificates] = {}
        self.problems: tuple[Problem, ...] = ()

    def find(self, host: str) -> Pair | None:
        """The pair for a host: its own, or the default one."""
        return self.index.find(host) or self.default

    def client_rule(self, host: str) -> ClientCertificates | None:
        """What a static file demands of the clients of a host."""
        if not self.clients:
            return None
        return self.clients.get(host) or self.clients.get("*." + host.partition(".")[2])


class _Kept:
    """One pair or authority over time: its files as last read, the good content, what is wrong with the newest."""

    def __init__(self) -> None:
        self.signatures: tuple[Signature, ...] = ()
        self.young = False
        self.pair: Pair | None = None
        self.authority = b""
        self.problem: Problem | None = None
        self.open_key = False  # others may read the key
        self.missed = 0  # looks in a row that did not find it


class Shelf:
    """Looks at the folders of `config` and at the `tls:` sections of static `files`."""

    def __init__(self, config: TlsConfig, files: Sequence[str] = ()) -> None:
        self._config = config
        self._files = tuple(files)
        self._pairs: dict[PairFiles, _Kept] = {}
        self._authorities: dict[tuple[str, str], _Kept] = {}
        self._sections: dict[str, tuple[Signature, Section, tuple[Problem, ...]]] = {}
        self._indexed: tuple[object, ...] = ()
        self.view = View()
        self.pause_seconds = LOOK_SECONDS  # until the next look

    def look(self, now: float) -> bool:
        """See what changed; whether `view` is another one. `now` is seconds since the epoch."""
        began = time.thread_time()
        changed = self._look(now)
        # looking at thousands of files where nothing changes may take a hundredth of the time, not more
        self.pause_seconds = LOOK_SECONDS if changed else max(LOOK_SECONDS, 100 * (time.thread_time() - began))
        return changed

    def _look(self, now: float) -> bool:
        problems: list[Problem] = []
        hidden: list[PairFiles] = []
        self._follow_pairs(self._found(problems, hidden), hidden, now)
        self._follow_authorities(now, problems)
        pairs = tuple(kept.pair for kept in self._pairs.values() if kept.pair is not None)
        problems += [kept.problem for kept in self._pairs.values() if kept.problem is not None]
        problems += [kept.problem for kept in self._authorities.values() if kept.problem is not None]
        problems += [_open(files) for files, kept in self._pairs.items() if kept.open_key]
        problems += [problem for pair in pairs if (problem := expiry(pair, now)) is not None]
        return self._show(pairs, problems, now)

    def _show(self, pairs: tuple[Pair, ...], problems: list[Problem], now: float) -> bool:
        default = self._config.default or next(
            (each.default for _, each, _ in self._sections.values() if each.default), ""
        )
        chosen = [pair for pair in pairs if pair.name == default]
        if default and not chosen:
            problems.append(_no_default(default))
        view = View()
        view.pairs = pairs
        view.default = chosen[0] if chosen else None
        view.authorities = {name: kept.authority for (_, name), kept in self._authorities.items() if kept.authority}
        view.clients = {host: rule for _, each, _ in self._sections.values() for host, rule in each.clients.items()}
        view.problems = tuple(problems)
        indexed = (pairs, tuple(pair.certificate.valid(now) for pair in pairs))
        old = self.view
        same = indexed == self._indexed and old.default is view.default and old.authorities == view.authorities
        if same and old.clients == view.clients and old.problems == view.problems:
            return False
        view.index = Index(pairs, now)
        self._indexed = indexed
        self.view = view
        return True

    # --- what there is

    def _found(self, problems: list[Problem], hidden: list[PairFiles]) -> list[PairFiles]:
        """All pairs there are; `hidden` takes those of folders that cannot be looked at now."""
        found: list[PairFiles] = []
        for folder in self._config.certificates:
            try:
                found += pairs_in(folder)
            except OSError as error:
                problems.append(_folder(folder, error))
                hidden += [files for files in self._pairs if files.chain.startswith(f"{folder}/")]
        for path in self._files:
            section, faults = self._section(path)
            found += section.pairs
            problems += faults
        return list(dict.fromkeys(found))

    def _section(self, path: str) -> tuple[Section, tuple[Problem, ...]]:
        """The last good section of a static file. What else is wrong with the file its provider says."""
        before = self._sections.get(path)
        try:
            now = signature(path)
            if before is not None and before[0] == now:
                return before[1], before[2]
            document = yamlfile.load(content(path).decode(), path)
        except (OSError, UnicodeDecodeError):
            return (before[1], before[2]) if before is not None else (Section(), ())
        section, problems = read_section(document)
        if (problems or document.problems) and before is not None:
            section = before[1]
        self._sections[path] = (now, section, problems)
        return section, problems

    # --- pairs and authorities

    def _follow_pairs(self, found: Sequence[PairFiles], hidden: Sequence[PairFiles], now: float) -> None:
        for files in found:
            kept = self._pairs.setdefault(files, _Kept())
            kept.missed = 0
            self._read(files, kept, now)
        for files in set(self._pairs).difference(found, hidden):
            kept = self._pairs[files]
            kept.missed += 1
            if kept.missed > 1:
                del self._pairs[files]

    def _read(self, files: PairFiles, kept: _Kept, now: float) -> None:
        try:
            signatures = tuple(signature(path) for path in files.paths)
            if signatures == kept.signatures and not kept.young:
                return
            chain = content(files.chain)
            key = content(files.key) if files.key else chain
        except OSError as error:
            kept.problem = _problem(files, Unusable("T1901", _words(error), "put both files there, readable by us"))
            kept.signatures = ()
            return
        kept.signatures = signatures
        kept.young = any(now - each[0] / 1e9 < _SETTLED_SECONDS for each in signatures)
        kept.open_key = bool(signatures[-1][4] & 0o077)
        if kept.pair is not None and (kept.pair.chain, kept.pair.key) == (chain, key):
            kept.problem = None
            return
        try:
            pair = read_pair(files.name, files.chain, chain, key)
            _no_worse(pair, kept.pair, now)
        except Unusable as why:
            kept.problem = _problem(files, why)
        else:
            kept.pair, kept.problem = pair, None

    def _follow_authorities(self, now: float, problems: list[Problem]) -> None:
        folder = self._config.authorities
        if not folder:
            return
        found: dict[str, str] = {}
        try:
            found = authorities_in(folder)
        except OSError as error:
            problems.append(_folder(folder, error))
        for name, path in found.items():
            self._read_authority(self._authorities.setdefault((folder, name), _Kept()), name, path, now)
        for key in [key for key in self._authorities if key[1] not in found]:
            del self._authorities[key]  # nobody is let in by an authority that was taken away

    def _read_authority(self, kept: _Kept, name: str, path: str, now: float) -> None:
        """A broken authority lets nobody in; what it was before does not count (it may have been replaced for cause)."""
        try:
            signatures = (signature(path),)
            if signatures == kept.signatures and not kept.young:
                return
            text = content(path)
            read_certificate(text)
        except (OSError, Unusable) as error:
            kept.signatures, kept.authority = (), b""
            kept.problem = _authority(name, path, error.cause if isinstance(error, Unusable) else _words(error))
            return
        kept.young = now - signatures[0][0] / 1e9 < _SETTLED_SECONDS
        kept.signatures, kept.authority, kept.problem = signatures, text, None


def _no_worse(pair: Pair, before: Pair | None, now: float) -> None:
    """Raises Unusable if clients would refuse the new pair and took the old one."""
    if before is not None and before.certificate.valid(now) and not pair.certificate.valid(now):
        cause = "it has expired" if pair.certificate.not_after <= now else "it is not valid yet"
        raise Unusable("T1904", cause, "see that the clock is right and that the newest certificate was copied")


def expiry(pair: Pair, now: float) -> Problem | None:
    """What to say of a pair's last day: warnings from 30 days on, an error once it is over."""
    left = pair.certificate.not_after - now
    if left <= 0:
        text = f"certificate {pair.name} has expired; clients refuse it"
        kept = "it is served until a valid one is there"
        return Problem(code="T1904", text=text, place=pair.origin, mend="renew it", kept=kept)
    step = next((days for days in reversed(_WARN_DAYS) if left < days * _DAY), 0)
    if not step:
        return None
    text = f"certificate {pair.name} expires in less than {step} days"
    return Problem(code="T1904", text=text, place=pair.origin, mend="renew it", severity=Severity.WARNING)


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def _problem(files: PairFiles, why: Unusable) -> Problem:
    text = f"certificate {files.name} cannot be used"
    return Problem(code=why.code, text=text, place=files.chain, cause=why.cause, mend=why.mend, kept=_KEPT)


def _open(files: PairFiles) -> Problem:
    key = files.paths[-1]
    text = f"the key of certificate {files.name} can be read by others"
    return Problem(code="T1905", text=text, place=key, mend=f"chmod 600 {key}", severity=Severity.WARNING)


def _folder(folder: str, error: OSError) -> Problem:
    text = f"the folder {folder} cannot be read"
    return Problem(code="T1901", text=text, place=folder, cause=_words(error), mend="see that it is there", kept=_KEPT)


def _authority(name: str, path: str, cause: str) -> Problem:
    return Problem(
        code="T1906",
        text=f"certificate authority {name} cannot be used",
        place=path,
        cause=cause,
        mend="write its certificates there as PEM",
        kept="hosts that need it refuse every client; containers that need it are not reached",
    )


def _no_default(name: str) -> Problem:
    text = f"there is no certificate called {name} to be the default"
    return Problem(code="T1907", text=text, mend="name one that `tidegate ls certs` lists", kept="there is no default")
