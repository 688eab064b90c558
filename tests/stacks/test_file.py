import pytest

from tests.support.compose import compose

TEXT = """
services:
  web: {image: x, volumes: ["data:/d", "far:/f", "cloud:/c", "/tmp:/t", "/anonymous", "theirs:/e"], depends_on: [db]}
  db: {image: x}
volumes:
  data: {}
  far: {driver_opts: {type: nfs4, o: "addr=10.0.0.1"}}
  cloud: {driver: ossfs}
  theirs: {external: true}
"""


def test_a_volume_whose_content_is_on_one_node_only_is_local():
    file = compose(TEXT)
    assert file.problems == ()
    assert file.local_volumes(file.service("web")) == ("shop_data", "theirs")
    assert file.local_volumes(file.service("db")) == ()


def test_containers_come_in_the_order_in_which_they_start():
    assert [spec.name for spec in compose(TEXT).specs] == ["shop-db-1", "shop-web-1"]


@pytest.mark.parametrize(("text", "errors"), [("services: {a: {image: x, build: .}}", 0), ("services: {a: {}}", 1)])
def test_warnings_are_no_errors(text, errors):
    file = compose(text)
    assert file.problems
    assert len(file.errors) == errors
