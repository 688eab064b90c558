"""How a service or route treats its requests: the one change behind `maint` and `hold`."""

from __future__ import annotations

from tidegate.cli.change import options, target, tell
from tidegate.cli.client import connect
from tidegate.cli.session import Session

WORDS = {
    "normal": "forwards requests",
    "hold": "keeps requests waiting",
    "maintenance": "answers 503 with a page",
}
VERBS = {"hold": "hold", "maintenance": "maint"}


def switch(session: Session, name: str, mode: str, *, message: str, dry_run: bool, wait: bool, why: str) -> None:
    """Set the mode of what `name` means; `normal` takes the override away."""
    admin = connect(session)
    found = target(admin, name)
    query = options(session, dry_run=dry_run, wait=wait)
    reason = {"why": why} if why else {}
    if mode == "normal":
        answer = admin.delete("/v1/overrides/mode", {"target": found.key, **reason}, **query)
    else:
        body = {"target": found.key, "mode": mode, **({"message": message} if message else {}), **reason}
        answer = admin.put("/v1/overrides/mode", body, **query)
    lines = [f"{found.kind} {found.key} {WORDS[mode]}"]
    if mode in VERBS and not dry_run:
        lines.append(f"undo: tidegate {VERBS[mode]} {found.key} --off")
    data = {"target": found.key, "kind": found.kind, "mode": mode, "message": message}
    tell(session, "mode", data, lines, answer, dry_run=dry_run)
