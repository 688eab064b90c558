from tidegate.engine.port import ContainerSpec, Duplicate
from tidegate.engine.process_duplicate import duplicate_spec

ORIGINAL = ContainerSpec(
    name="web",
    image="web:1",
    command=("serve",),
    environment={"MODE": "old", "DEBUG": "1"},
    labels={"tidegate.version": "v1", "com.docker.compose.container-number": "1", "old": "1"},
    ports=(80,),
    restart="always",
)


def test_a_process_is_as_the_other_but_for_its_name_where_nothing_is_changed():
    made = duplicate_spec(ORIGINAL, Duplicate(name="b"), 0)
    assert made == ContainerSpec(
        name="b",
        image="web:1",
        command=("serve",),
        environment={"MODE": "old", "DEBUG": "1"},
        labels=ORIGINAL.labels,
        ports=(80,),
        restart="always",
    )


def test_what_is_changed_stands_over_what_was():
    change = Duplicate(
        name="b",
        image="web:2",
        command=("serve", "2"),
        environment={"MODE": "new", "DEBUG": None},
        labels={"tidegate.version": "v2", "old": None},
    )
    made = duplicate_spec(ORIGINAL, change, 2)
    assert (made.image, made.command, made.environment) == ("web:2", ("serve", "2"), {"MODE": "new"})
    assert made.labels == {"tidegate.version": "v2", "com.docker.compose.container-number": "2"}
    assert duplicate_spec(ORIGINAL, Duplicate(name="b", entrypoint=("sh",)), 0).entrypoint == ("sh",)
