import pytest

from tests.support.compose import faults, spec
from tidegate.engine.spec import Healthcheck


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("test: curl -f http://localhost", Healthcheck(test=("CMD-SHELL", "curl -f http://localhost"))),
        ("test: [CMD, curl, '-f', 80]", Healthcheck(test=("CMD", "curl", "-f", "80"))),
        ("test: [CMD-SHELL, 'a || b']", Healthcheck(test=("CMD-SHELL", "a || b"))),
        ("test: [NONE]", Healthcheck(test=("NONE",))),
        ("disable: true", Healthcheck(test=("NONE",))),
        ("{disable: false, test: [CMD, 'true']}", Healthcheck(test=("CMD", "true"))),
        (
            "{interval: 1m30s, timeout: 10s, retries: 3, start_period: 40s, start_interval: 500ms}",
            Healthcheck(
                interval_seconds=90, timeout_seconds=10, retries=3, start_seconds=40, start_interval_seconds=0.5
            ),
        ),
    ],
)
def test_a_check_is_read_in_every_form(text, check):
    assert spec(f"healthcheck:\n  {text}").healthcheck == check


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{test: [curl, x]}", "T1132"),
        ("{test: []}", "T1132"),
        ("{interval: soon}", "T1138"),
        ("{colour: red}", "T1131"),
        ("5", "T1132"),
    ],
)
def test_what_is_wrong_with_a_check_is_told(text, code):
    assert faults(f"healthcheck: {text}") == [(code, 1)]
