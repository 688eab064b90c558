import pytest

from tidegate.engine.compose_labels import next_number, same_service

LABELS = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.service": "web",
    "com.docker.compose.container-number": "1",
}


def numbered(number, **more):
    return LABELS | {"com.docker.compose.container-number": str(number)} | more


def test_a_service_is_known_by_its_project_and_its_name():
    assert same_service(LABELS) == {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}


@pytest.mark.parametrize("missing", list(LABELS))
def test_a_container_that_compose_did_not_number_needs_no_number(missing):
    labels = {name: text for name, text in LABELS.items() if name != missing}
    assert next_number(labels, [LABELS]) == 0


def test_the_next_number_is_above_all_of_the_same_service():
    other = numbered(9) | {"com.docker.compose.service": "db"}
    assert next_number(LABELS, [numbered(1), numbered(3), other, {}]) == 4


def test_a_number_that_is_none_counts_as_nothing():
    assert next_number(LABELS, [numbered("x"), numbered("²")]) == 1
