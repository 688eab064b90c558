"""What goes wrong with a cluster store, in words for an operator. Pure."""

from __future__ import annotations

from tidegate.errors import Problem, Severity
from tidegate.store.address import EtcdAddress
from tidegate.store.gateway import Verdict

FULL, RESTORED = "T1525", "T1527"
_TRAFFIC = "traffic goes on with the last known routes, and containers stay; nothing is changed, scaled or released"


class Missed(Exception):
    """One try that brought no answer. `code` is that of gRPC, 0 where none came."""

    def __init__(self, verdict: Verdict, text: str, member: str = "", code: int = 0) -> None:
        super().__init__(f"{member}: {text}" if member else text)
        self.verdict = verdict
        self.text = text
        self.member = member
        self.code = code


def unreachable(address: EtcdAddress, cause: str) -> Problem:
    """No member answered in time."""
    return Problem(
        code="T1520",
        text="the cluster store cannot be reached",
        place=str(address),
        cause=cause,
        mend="see that most of its members run and can be reached from here: tidegate doctor",
        kept=_TRAFFIC,
    )


def unsure(address: EtcdAddress, cause: str) -> Problem:
    """No member said whether a change was committed."""
    return Problem(
        code="T1521",
        text="the cluster store did not say whether it committed a change",
        place=str(address),
        cause=cause,
        mend="look at it again before you repeat it: it may be committed",
        kept=_TRAFFIC,
    )


def unusable(address: EtcdAddress, error: Exception) -> Problem:
    """A file that the address names."""
    return Problem(
        code="T1522",
        text="a file for speaking to the cluster store cannot be used",
        place=str(getattr(error, "filename", None) or address),
        cause=getattr(error, "strerror", None) or str(error),
        mend="see the files that --store names after ca=, cert=, key= and password-file=",
        kept="nothing was started",
    )


def refused(address: EtcdAddress, missed: Missed) -> Problem:
    """A member understood, and will not."""
    code, text, mend = _refusal(missed)
    kept = _TRAFFIC if code == FULL else "nothing was written"
    return Problem(code=code, text=text, place=str(address), cause=str(missed), mend=mend, kept=kept)


def _refusal(missed: Missed) -> tuple[str, str, str]:
    if missed.code in {16, 3} and ("auth" in missed.text or "user name" in missed.text or "password" in missed.text):
        return "T1523", "the cluster store does not know us", "give user and password: etcd://user:password@host:port"
    if missed.code == 7:
        mend = "grant the user's role readwrite on the prefix: etcdctl role grant-permission --prefix"
        return "T1524", "the cluster store's user may not do this", mend
    if missed.code == 8:
        mend = "compact and defragment it, then etcdctl alarm disarm; or raise --quota-backend-bytes"
        return FULL, "the cluster store has no space left", mend
    return "T1526", "the cluster store refuses a request", "see the log of its members"


def restored(address: EtcdAddress, before: int, now: int) -> Problem:
    """Its revision went back."""
    return Problem(
        code=RESTORED,
        text=f"the cluster store is another one than before: its revision was {before} and is {now}",
        place=str(address),
        cause="it was restored from a backup, or the address now names another cluster",
        mend="nothing, if that was meant; else see --store",
        kept="everything is listed again, and each node says anew what it has",
        severity=Severity.WARNING,
    )


def compacted(prefix: str, cause: str) -> Problem:
    """A watch cannot go on."""
    return Problem(
        code="T1505",
        text=f"changes of `{prefix}` cannot be told without a gap",
        cause=cause,
        mend="list again and watch from the listing's revision",
        kept="every entry is in the store",
    )


def unread(address: EtcdAddress, cause: str) -> Problem:
    """What names the root of our keys is not understood."""
    return Problem(
        code="T1528",
        text="what the cluster store says of its epoch is not understood",
        place=f"{address}/epoch",
        cause=cause,
        mend="go back to the version of Tidegate that wrote it",
        kept="nothing was written",
    )
