from tidegate.engine.compose_labels import NUMBER_LABEL
from tidegate.engine.spec import ContainerSpec
from tidegate.stacks.fingerprint import CONFIG_LABEL
from tidegate.stacks.service import External, StackService

TEMPLATE = ContainerSpec(name="shop-web", image="x", labels={"a": "b"})


def test_replicas_are_numbered_and_carry_what_they_were_made_from():
    service = StackService(name="web", stack="shop", template=TEMPLATE, scale=2)
    assert service.key == "shop/web"
    assert [(spec.name, spec.labels) for spec in service.specs] == [
        (f"shop-web-{n}", {"a": "b", NUMBER_LABEL: str(n), CONFIG_LABEL: service.revision}) for n in (1, 2)
    ]


def test_the_first_replica_has_the_name_that_the_file_gives():
    service = StackService(name="web", stack="shop", template=TEMPLATE, container_name="front")
    assert [service.spec(1).name, service.spec(2).name] == ["front", "shop-web-2"]


def test_one_replica_stands_for_those_of_every_node_and_none_for_what_is_elsewhere():
    assert len(StackService(name="web", stack="shop", template=TEMPLATE, everywhere=True, scale=5).specs) == 1
    assert StackService(name="web", stack="shop", template=TEMPLATE, external=External(host="h")).specs == ()
