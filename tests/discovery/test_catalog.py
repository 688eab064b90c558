from hypothesis import given
from hypothesis import strategies as st

from tidegate.discovery.catalog import Catalog
from tidegate.model import Instance


def instance(id_, service="web", **more):
    return Instance(id=id_, name=id_, provider="p", service=service, **more)


def test_instances_stand_in_order_of_creation_then_id():
    catalog = Catalog()
    for each in (instance("b", created_at=1.0), instance("a", created_at=2.0), instance("c", created_at=1.0)):
        catalog.put(each)
    assert [each.id for each in catalog.services()["web"]] == ["b", "c", "a"]


def test_an_equal_instance_changes_nothing():
    catalog = Catalog()
    first = instance("a")
    catalog.put(first)
    services = catalog.services()
    catalog.put(instance("a"))
    assert not catalog.changed
    assert catalog.services() is services
    assert catalog.get("a") is first


def test_a_service_without_instances_is_gone():
    catalog = Catalog()
    catalog.put(instance("a"))
    before = catalog.services()
    catalog.remove("a")
    catalog.remove("never seen")
    assert catalog.services() == {}
    assert list(before) == ["web"]


def test_an_instance_can_move_to_another_service():
    catalog = Catalog()
    catalog.put(instance("a"))
    catalog.put(instance("a", "api"))
    assert list(catalog.services()) == ["api"]


CHANGES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["x", "y", None]), st.integers(0, 1)), max_size=30
)


@given(CHANGES)
def test_it_always_holds_what_was_put_last_and_shares_the_rest(changes):
    catalog, model = Catalog(), {}
    for id_, service, scale in changes:
        before = catalog.services()
        if service is None:
            catalog.remove(id_)
            model.pop(id_, None)
        else:
            model[id_] = instance(id_, service, scale=scale)
            catalog.put(model[id_])
        now = catalog.services()
        assert {each.id: each for group in now.values() for each in group} == model
        assert all(now[key] is before[key] for key in now if now[key] == before.get(key))
        assert all(each.key == key for key, group in now.items() for each in group)
