import pytest

from tidegate.engine.compose_labels import PROJECT_LABEL, SERVICE_LABEL
from tidegate.release.spec import Pull
from tidegate.stacks.reader import read
from tidegate.stacks.service import Condition
from tidegate.stacks.understood import remarks, stack_of


def understood(*lines, name="web"):
    """The member of a file with these lines below its service."""
    text = "\n".join(
        ["name: shop", "services:", f"  {name}:", "    image: image:1", *(f"    {line}" for line in lines)]
    )
    file = read(text + "\nvolumes: {data: {}}\n", "compose.yaml", folder="/srv/shop", variables={})
    assert not file.errors, file.errors
    return stack_of(file), stack_of(file).member(name), remarks(file)


def test_a_service_without_a_word_is_renewed_one_at_a_time_with_the_new_one_first():
    stack, member, said = understood()
    assert (stack.name, member.scale, member.parallelism, member.min_healthy_seconds) == ("shop", 1, 1, 10.0)
    assert (member.stop_first, member.pull, said) == (False, Pull.MISSING, ())
    assert len(member.config) == 16


@pytest.mark.parametrize(
    ("line", "stop_first"),
    [
        ('ports: ["8080:80"]', True),
        ('ports: ["80"]', False),
        ('ports: ["8080-8090:80"]', False),
        ("volumes: [data:/data]", True),
        ("volumes: [data:/data:ro]", False),
        ("volumes: [./data:/data]", True),
        ("tmpfs: [/tmp]", False),
        ("network_mode: host", True),
    ],
)
def test_two_that_would_be_in_each_others_way_are_never_side_by_side(line, stop_first):
    assert understood(line)[1].stop_first is stop_first


def test_what_the_file_says_of_its_updates_goes_first():
    said = "{order: start-first, parallelism: 3, monitor: 2s, delay: 9s, max_failure_ratio: 0.5}"
    lines = ("volumes: [data:/data]", "deploy:", f"  update_config: {said}")
    _, member, _ = understood(*lines)
    assert (member.stop_first, member.parallelism, member.min_healthy_seconds) == (False, 3, 2.0)
    assert (member.delay_seconds, member.failure_ratio) == (9.0, 0.5)
    assert understood("deploy:", "  update_config: {parallelism: 0}")[1].parallelism == 1000


def test_the_words_of_the_original_system_count():
    labels = {"aliyun.scale": "3", "aliyun.rolling_updates": "true", "aliyun.rolling_updates.parallelism": "2"}
    lines = ["labels:", *(f'  {name}: "{text}"' for name, text in labels.items())]
    _, member, _ = understood(*lines)
    assert (member.scale, member.parallelism) == (3, 2)
    assert understood("labels: [aliyun.latest_image=true]")[1].pull is Pull.ALWAYS
    assert understood("labels: [aliyun.global=true]")[1].everywhere


def test_where_it_may_run_and_what_it_takes_of_the_host_go_along():
    lines = (
        'ports: ["53:53/udp"]',
        "volumes: [data:/data]",
        'environment: ["constraint:group==db", "A=1"]',
        "mem_reservation: 64m",
    )
    _, member, _ = understood(*lines)
    assert (member.ports, member.volumes, member.expressions) == (
        ("udp/53",),
        ("shop_data",),
        ("constraint:group==db",),
    )
    assert member.reservation.memory == 64 << 20
    assert member.template.environment == {"A": "1"}


def test_what_it_depends_on_goes_along_with_its_condition():
    text = "services:\n  web: {image: a, depends_on: {db: {condition: service_healthy}}}\n  db: {image: b}\n"
    stack = stack_of(read(text, "c.yaml", folder="/srv/shop", variables={}))
    assert stack.member("web").depends == {"db": Condition.HEALTHY}


def test_what_a_stack_does_not_do_is_said():
    _, _, said = understood("deploy:", "  update_config: {failure_action: rollback}")
    assert [each.code for each in said] == ["T2113"]


def test_a_service_that_is_somewhere_else_is_no_member():
    text = "services:\n  web: {image: a, links: [mysql]}\n  mysql: {external: {host: db.example.test, ports: [3306]}}\n"
    file = read(text, "c.yaml", folder="/srv/shop", variables={})
    assert not file.problems
    assert remarks(file) == ()
    stack = stack_of(file)
    assert [each.name for each in stack.members] == ["web"]
    (mysql,) = stack.outside
    assert (mysql.name, mysql.host, mysql.ports, mysql.has_address) == ("mysql", "db.example.test", (3306,), False)
    assert mysql.labels == {PROJECT_LABEL: "shop", SERVICE_LABEL: "mysql"}


def test_an_address_somewhere_else_is_known_to_who_links_to_it():
    text = "services:\n  web: {image: a, links: [mysql]}\n  mysql: {external: {host: 10.0.0.9}}\n"
    file = read(text, "c.yaml", folder="/srv/shop", variables={})
    assert remarks(file) == ()
    assert stack_of(file).member("web").template.extra_hosts == ("mysql:10.0.0.9",)


def test_an_exclusive_service_never_has_two_side_by_side_whatever_its_updates_say():
    _, member, _ = understood("labels: {tidegate.exclusive: 'true'}\ndeploy: {update_config: {order: start-first}}")
    assert member.exclusive and member.stop_first


def test_who_is_on_the_network_of_another_service_goes_where_that_is_and_is_replaced_old_first():
    text = "services:\n  web: {image: a, network_mode: 'service:vpn'}\n  vpn: {image: b}\n"
    web, vpn = stack_of(read(text, "c.yaml", folder="/srv/shop", variables={})).members
    assert (web.shares, web.expressions, web.stop_first) == (("vpn",), ("affinity:service==vpn",), True)
    assert (vpn.shares, vpn.expressions, vpn.stop_first) == ((), (), False)
