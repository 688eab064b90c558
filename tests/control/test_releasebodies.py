import pytest

from tidegate.control.refusal import Refused
from tidegate.control.releasebodies import DeployBody, ask_of
from tidegate.model import ReleasePolicy
from tidegate.release.spec import OnUnsure, Pull, Retire, Strategy


def asked(policy=None, **body):
    return ask_of("shop/web", DeployBody.model_validate(body), policy)


def test_an_image_or_anything_else_that_differs_makes_containers():
    assert asked(image="web:2", pull="never").change.pull is Pull.NEVER
    assert asked(environment={"A": "1", "B": None}).change.environment == {"A": "1", "B": None}
    assert asked(version="v2").change is None


def test_shares_mean_a_canary_and_nothing_means_rolling():
    assert asked(image="web:2", shares=[5, 50]).options.strategy is Strategy.CANARY
    assert asked(image="web:2").options.strategy is Strategy.ROLLING


def test_what_is_said_is_what_is_asked():
    options = asked(
        image="web:2",
        strategy="blue-green",
        hold_seconds=5,
        confirm=False,
        retire="stop",
        on_unsure="pass",
        gates=["latency off"],
        preview_headers=["X-Beta=1"],
        preview_cookies=["beta"],
    ).options
    assert (options.hold_seconds, options.confirm, options.retire, options.on_unsure) == (
        5,
        False,
        Retire.STOP,
        OnUnsure.PASS,
    )
    assert [gate.name for gate in options.gates] == ["restarts", "success", "refusals"]
    assert [str(each) for each in options.previews] == ["header.x-beta=1", "cookie.beta"]


def test_labels_of_a_version_that_runs_say_what_is_left_open():
    policy = ReleasePolicy(strategy="canary", shares=(10, 100), hold_seconds=7.0, gates={"success": "98%"})
    options = asked(policy, version="v2", hold_seconds=1).options
    assert (options.strategy, options.shares, options.hold_seconds) == (Strategy.CANARY, (10, 100), 1)
    assert next(gate for gate in options.gates if gate.name == "success").floor == 0.98


@pytest.mark.parametrize("body", [{"gates": ["succes 99%"]}, {"preview_headers": ["not a name=1"]}])
def test_what_is_not_understood_is_refused_by_its_field(body):
    with pytest.raises(Refused) as refused:
        asked(image="web:2", **body)
    assert refused.value.problems[0].place == f"/body/{next(iter(body))}"
