"""Where replicas are, read from what the API tells."""

from bench.macro.placed import doubled, placed

WANTED = {"web": 2, "api": 1}


def told(*replicas, state="moving"):
    members = {}
    for service, slot, node, how in replicas:
        key = f"shop/{service}/{slot}.{len(members.get(service, ())) + 1}"
        members.setdefault(service, []).append({"key": key, "slot": slot, "node": node, "state": how})
    return {"state": state, "members": [{"name": name, "replicas": each} for name, each in members.items()]}


def test_places_are_counted_by_node_without_those_that_leave():
    now = placed(told(("web", 1, "a", "ready"), ("web", 2, "b", "leaving"), ("web", 2, "a", "pending")))
    assert (now.on("a"), now.on("b")) == (2, 0)
    assert now.spread("web") == {"a": 2}


def test_a_node_is_left_when_those_that_leave_it_are_gone_too():
    now = placed(told(("web", 1, "b", "leaving"), ("web", 1, "a", "ready"), ("db", 1, "b", "ready")))
    assert now.left("b", WANTED) == 1
    assert placed(told(("web", 1, "a", "ready"), ("db", 1, "b", "ready"))).left("b", WANTED) == 0


def test_what_is_wanted_is_there_when_every_slot_has_a_node_and_ready_when_it_serves():
    now = placed(
        told(("web", 1, "a", "ready"), ("web", 2, "b", "ready"), ("web", 2, "a", "pending"), ("api", 1, "a", "ready"))
    )
    assert now.has(WANTED) and now.has(WANTED, ready=True)
    assert now.has(WANTED, "b") and not now.has(WANTED, "b", ready=True)
    assert not now.has(WANTED, "a")


def test_a_slot_with_two_places_or_containers_is_a_double():
    assert placed(told(("web", 1, "a", "ready"), ("web", 1, "b", "pending"), ("web", 2, "b", "leaving"))).twice() == 1
    assert doubled(["shop/web/1.1", "shop/web/1.2", "shop/web/2.1", "shop/api/1.1"]) == ["shop/web/1"]
