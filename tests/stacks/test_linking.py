from tests.support.compose import compose
from tidegate.engine.spec import Attachment


def networks(file, name):
    return file.service(name).template.networks


def test_an_alias_is_given_to_the_service_that_it_means():
    file = compose("services: {web: {image: x, links: ['db:mysql', db]}, db: {image: y}}")
    assert networks(file, "db") == {"shop_default": Attachment(aliases=("db", "mysql"))}
    assert networks(file, "web") == {"shop_default": Attachment(aliases=("web",))}


def test_an_alias_is_given_only_on_networks_that_both_are_on():
    file = compose("""
        services:
          web: {image: x, links: ["db:mysql"], networks: [front, back]}
          db: {image: y, networks: [back, deep]}
        networks: {front: {}, back: {}, deep: {}}
        """)
    assert networks(file, "db") == {
        "shop_back": Attachment(aliases=("db", "mysql")),
        "shop_deep": Attachment(aliases=("db",)),
    }


def test_an_alias_that_means_different_services_is_given_to_each_caller_alone():
    file = compose("""
        services:
          a: {image: x, links: ["one:db"]}
          b: {image: x, links: ["two:db"]}
          one: {image: x}
          two: {image: x}
        """)
    assert networks(file, "a") == {"shop_default": Attachment(aliases=("a",), links=("one:db",))}
    assert networks(file, "b") == {"shop_default": Attachment(aliases=("b",), links=("two:db",))}
    assert networks(file, "one") == {"shop_default": Attachment(aliases=("one",))}


def test_an_alias_that_is_another_services_name_is_given_to_the_caller_alone():
    file = compose("services: {a: {image: x, links: ['one:two']}, one: {image: x}, two: {image: x}}")
    assert networks(file, "a")["shop_default"].links == ("one:two",)


def test_services_without_a_common_network_are_told():
    file = compose("""
        services:
          a: {image: x, links: ["b:c"], networks: [one]}
          b: {image: x, networks: [two]}
        networks: {one: {}, two: {}}
        """)
    assert [(problem.code, problem.place) for problem in file.problems] == [("T1178", "compose.yaml:3")]
