from tests.support.stack_stage import member
from tidegate.placement.replica import Place
from tidegate.stacks.naming import container_name, place_key, place_of, spec_of


def place(slot=1, generation=1):
    return Place(service="shop/web", slot=slot, generation=generation, revision="r", node="a")


def test_a_container_is_called_as_compose_does_and_a_further_generation_by_its_number():
    assert container_name(place(2), member()) == "shop-web-2"
    assert container_name(place(2, 3), member()) == "shop-web-2-g3"
    named = member(container_name="front")
    assert [container_name(place(*each), named) for each in ((1, 1), (1, 2), (2, 1))] == [
        "front",
        "front-g2",
        "shop-web-2",
    ]


def test_a_container_tells_its_place_to_its_own_store_only():
    labels = spec_of(place(2, 3), member(), "store-1").labels
    assert place_key(labels, "store-1") == place(2, 3).key == "shop/web/2.3"
    assert place_key(labels, "store-2") == ""
    assert place_key({}, "store-1") == ""
    assert place_key(labels | {"io.tidegate.scaling": "shop/web#v1"}, "store-1") == ""
    assert labels["com.docker.compose.container-number"] == "2"


def test_a_container_is_made_of_the_digest_that_its_member_is_bound_to():
    assert spec_of(place(), member(), "s").image == "image:1"
    assert spec_of(place(), member(digest="sha256:feed"), "s").image == "image:1@sha256:feed"


def test_a_place_that_only_its_key_is_known_of_leaves():
    found = place_of("shop/web/2.3", "a", 7.0)
    assert (found.service, found.slot, found.generation, found.leaving) == ("shop/web", 2, 3, True)
    assert place_of("odd", "a", 7.0).slot == 0
