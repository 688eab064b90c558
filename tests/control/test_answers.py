import pytest
from pydantic import ValidationError

from tidegate.control.answers import ChangeQuery, DrainBody, EventsQuery, ModeBody, ResolveQuery, WeightsBody


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (WeightsBody, {"target": "web", "weights": {}}),
        (WeightsBody, {"target": "web", "weights": {"v1": 1001}}),
        (WeightsBody, {"target": "web", "weights": {"v1": True}}),
        (WeightsBody, {"target": "", "weights": {"v1": 1}}),
        (ModeBody, {"target": "web", "mode": "wild"}),
        (DrainBody, {"name": "c1", "drained": "yes"}),
        (DrainBody, {"name": "c1"}),
    ],
)
def test_a_body_that_is_not_meant_so_is_refused(model, given):
    with pytest.raises(ValidationError):
        model.model_validate(given, strict=True)


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (EventsQuery, {"limit": "0"}),
        (EventsQuery, {"after": "-1"}),
        (ChangeQuery, {"wait": "301"}),
        (ChangeQuery, {"wait": "inf"}),
        (ResolveQuery, {"name": ""}),
        (ResolveQuery, {"name": "web", "type": "A B"}),
    ],
)
def test_a_query_out_of_bounds_is_refused(model, given):
    with pytest.raises(ValidationError):
        model.model_validate(given)


def test_query_texts_become_values():
    assert ChangeQuery.model_validate({"dry_run": "true", "wait": "1.5"}) == ChangeQuery(dry_run=True, wait=1.5)
    assert ResolveQuery.model_validate({"name": "web", "from": "10.0.0.1"}).from_ == "10.0.0.1"
