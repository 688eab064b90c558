"""What a name on the command line means among stacks: a stack, or a service of one."""

from __future__ import annotations

from tidegate.cli.client import Admin
from tidegate.cli.faults import did_you_mean
from tidegate.errors import NoSuchThing, Problem, TidegateError

KEPT = "nothing was changed"


def find_stack(admin: Admin, name: str) -> str:
    """The stack of that name. Raises NoSuchThing (T2102)."""
    known = [str(each["name"]) for each in admin.get("/v1/stacks")["stacks"]]
    if name in known:
        return name
    mend = did_you_mean(name, known) or "tidegate ls stacks lists them"
    raise NoSuchThing(Problem(code="T2102", text=f"there is no stack {name}", mend=mend, kept=KEPT))


def find_logged(admin: Admin, name: str) -> tuple[str, str]:
    """As `find_member`; or a stack, with an empty service. A service that is called like a stack goes before it."""
    stacks = admin.get("/v1/stacks")["stacks"]
    known = {str(each["name"]) for each in stacks}
    members = {str(member) for each in stacks for member in each["names"]}
    if name in known - members:
        return name, ""
    if name not in members and "/" not in name:
        mend = did_you_mean(name, known | members) or "tidegate ls stacks lists the stacks"
        raise NoSuchThing(Problem(code="T2104", text=f"there is no stack and no service {name}", mend=mend, kept=KEPT))
    return find_member(admin, name)


def find_member(admin: Admin, name: str) -> tuple[str, str]:
    """Stack and service of `stack/service`, or of a service's name that only one stack has. Raises NoSuchThing (T2104),
    TidegateError (T1708)."""
    keys = [f"{each['name']}/{member}" for each in admin.get("/v1/stacks")["stacks"] for member in each["names"]]
    found = [key for key in keys if name in (key, key.partition("/")[2])]
    if len(found) > 1:
        text = f"{name} may mean {', '.join(sorted(found))}"
        raise TidegateError(Problem(code="T1708", text=text, mend="write one of them out", kept=KEPT))
    if not found:
        mend = did_you_mean(name, keys) or "tidegate ls stacks lists the stacks"
        raise NoSuchThing(Problem(code="T2104", text=f"no stack has a service {name}", mend=mend, kept=KEPT))
    stack, _, member = found[0].partition("/")
    return stack, member
