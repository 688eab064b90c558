"""`tidegate doctor`: what would keep Tidegate from working here, and the mend for each. Exit code 1 if something would."""

from __future__ import annotations

from typing import Any

import click

from tidegate.cli.output import Screen, emit
from tidegate.cli.serve import gather, setting_flags
from tidegate.cli.session import Session, common


@click.command()
@setting_flags
@common
@click.pass_obj
def doctor(session: Session, /, file: str | None, no_docker: bool, **flags: Any) -> int:
    """Look for what would keep Tidegate from working, with the mend for each. Takes the same flags as serve."""
    from tidegate.cli.diagnosis import BROKEN, examine  # noqa: PLC0415  --help need not load the checks
    from tidegate.cli.diagnosis_dns import examine_dns  # noqa: PLC0415
    from tidegate.cli.diagnosis_store import examine_store  # noqa: PLC0415

    settings = gather(session, file, no_docker, flags)
    findings = [*examine(settings.config), *examine_dns(settings.config.dns), *examine_store(settings.config.state)]
    broken = sum(finding.state == BROKEN for finding in findings)
    data = {
        "healthy": not broken,
        "findings": [
            {"check": item.check, "state": item.state, "text": item.text, "mend": item.mend} for item in findings
        ],
    }

    def view(screen: Screen) -> None:
        screen.table(
            ("CHECK", "STATE", "FOUND", "FIX"), [(item.check, item.state, item.text, item.mend) for item in findings]
        )
        if screen.terminal:
            screen.line(f"{broken} broken" if broken else "nothing is in the way", style="red" if broken else "green")

    emit(session, "doctor", data, view, settings.warnings)
    return 1 if broken else 0
