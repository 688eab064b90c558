import msgspec
import pytest

from tests.support.stack_stage import member, stack
from tidegate.control.refusal import Refused
from tidegate.control.stackbodies import StackBody, stack_of


def test_a_stack_comes_back_as_it_was_sent():
    sent = stack(member(depends={"db": "service_healthy"}), member("db"))
    assert stack_of("shop", StackBody(stack=msgspec.to_builtins(sent))) == sent


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"name": "shop", "members": [{"name": "web"}]}, "template"),
        ({"name": "other", "members": []}, "other"),
        ({"name": "shop"}, "no services"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_is_wrong(given, cause):
    with pytest.raises(Refused) as caught:
        stack_of("shop", StackBody(stack=given))
    problem = caught.value.problems[0]
    assert problem.code == "T2103"
    assert cause in problem.cause
