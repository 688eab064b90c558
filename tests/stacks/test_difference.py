import pytest

from tests.support.compose import compose
from tidegate.engine.port import ContainerSummary
from tidegate.engine.spec import NetworkSpec, VolumeSpec
from tidegate.model import InstanceState
from tidegate.stacks.difference import Act, difference, lines, running
from tidegate.stacks.ground import Ground

FILE = """
services:
  web: {image: "web:1", scale: 2, environment: {PASSWORD: old}, depends_on: [db], labels: {aliyun.scale: "9"}}
  db: {image: db, volumes: ["data:/d"]}
volumes: {data: {}}
"""


def containers(file, *names):
    """As an engine lists them, made by us."""
    return [
        ContainerSummary(id=spec.name, names=(spec.name,), state=InstanceState.RUNNING, labels=spec.labels)
        for spec in file.specs
        if not names or spec.name in names
    ]


def told(wanted, found, before=None, **more):
    change = difference(wanted, running("shop", found), before, **more)
    return {each.service: each for each in change.services}, lines(change)


def test_a_stack_that_is_not_there_is_created_with_what_it_stands_on():
    file = compose(FILE)
    ground = Ground(networks=(NetworkSpec(name="shop_default"),), volumes=(VolumeSpec(name="shop_data"),))
    _, words = told(file, [], ground=ground)
    assert words == (
        "+ network shop_default, bridge",
        "+ volume shop_data, local",
        "+ db: create 1 container",
        "+ web: create 2 containers",
    )


def test_what_is_as_the_file_says_is_left_alone():
    file = compose(FILE)
    changes, words = told(file, containers(file), file)
    assert {each.act for each in changes.values()} == {Act.UNCHANGED}
    assert words == ("stack shop is as the file says",)


def test_another_number_is_a_scale_and_nothing_else():
    before, file = compose(FILE), compose(FILE.replace("scale: 2", "scale: 5").replace('"9"', '"5"'))
    _, words = told(file, containers(before), before)
    assert words == ("  db: unchanged", "~ web: scale 2 -> 5")


def test_a_changed_container_is_recreated_for_reasons_that_hide_secrets():
    before, file = compose(FILE), compose(FILE.replace("web:1", "web:2").replace("old", "new"))
    changes, words = told(file, containers(before), before)
    assert words == (
        "  db: unchanged",
        "~ web: recreate 2 containers",
        "    image: web:1 -> web:2",
        "    environment.PASSWORD: (hidden) -> (hidden)",
    )
    assert [each.field for each in changes["web"].fields] == ["image", "environment.PASSWORD"]


def test_recreated_replicas_stay_where_their_local_volume_is():
    before, file = compose(FILE), compose(FILE.replace("image: db", "image: 'db:2'"))
    changes, words = told(file, containers(before), before)
    assert changes["db"].pinned == ("shop_data",)
    assert "    its replicas stay on their nodes, where shop_data is" in words


def test_without_the_file_before_only_that_something_differs_is_known():
    before, file = compose(FILE), compose(FILE.replace("web:1", "web:2"))
    changes, _ = told(file, containers(before))
    assert changes["web"].act is Act.RECREATE
    assert changes["web"].fields == ()
    assert changes["web"].reasons == ("it was made from another configuration than the last one",)


def test_a_container_that_compose_made_is_recreated():
    file = compose(FILE)
    found = [
        ContainerSummary(id="c", names=("c",), state=InstanceState.RUNNING, labels=spec.labels) for spec in file.specs
    ]
    bare = [
        ContainerSummary(
            id=each.id,
            names=each.names,
            state=each.state,
            labels={name: text for name, text in each.labels.items() if not name.startswith("io.tidegate.")},
        )
        for each in found
    ]
    changes, _ = told(file, bare)
    assert changes["db"].reasons == ("it was not made by Tidegate",)


def test_services_that_the_file_does_not_have_any_more_are_removed_and_other_stacks_left_alone():
    before, file = compose(FILE), compose("services: {db: {image: db, volumes: ['data:/d']}}\nvolumes: {data: {}}")
    others = containers(compose(FILE, project="other"))
    _, words = told(file, [*containers(before), *others], before)
    assert words == ("  db: unchanged", "- web: remove 2 containers")


@pytest.mark.parametrize(("count", "act"), [(1, Act.UNCHANGED), (0, Act.CREATE)])
def test_a_service_that_is_everywhere_is_never_scaled(count, act):
    file = compose("services: {web: {image: x, deploy: {mode: global}}}")
    changes, words = told(file, containers(file)[:count])
    assert changes["web"].act is act
    assert words[0] == ("stack shop is as the file says" if count else "+ web: create one on each node")


def test_a_service_that_is_elsewhere_is_no_ones_to_change():
    assert told(compose("services: {rds: {external: {host: h}}, web: {image: x}}"), [])[0].keys() == {"web"}
