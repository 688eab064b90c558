"""With TIDEGATE_ALLOW_SKIP=0 a skipped test fails the run: continuous integration leaves nothing out unseen."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _forbidden_skips(session.config) and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skips = _forbidden_skips(terminalreporter.config)
    if skips:
        terminalreporter.write_line(f"{skips} skipped, and TIDEGATE_ALLOW_SKIP=0 allows none", red=True)


def _forbidden_skips(config: pytest.Config) -> int:
    if os.environ.get("TIDEGATE_ALLOW_SKIP") != "0":
        return 0
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) if reporter else 0
