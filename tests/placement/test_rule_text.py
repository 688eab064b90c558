from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.placement.rule_text import (
    Unreadable,
    constraints,
    expression_of,
    listed,
    read,
    reschedule_of,
    spread_key,
    understood,
)
from tidegate.placement.rules import Kind, Reschedule, Rule, ZoneRule


def rule(kind, key, value, **more):
    return Rule(kind=Kind(kind), key=key, value=value, **more)


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("constraint:group==db", rule("constraint", "group", "db")),
        ("constraint:group!=~db", rule("constraint", "group", "db", equal=False, soft=True)),
        ("constraint:aliyun.node_index==(1|2|3)", rule("constraint", "aliyun.node_index", "(1|2|3)")),
        ("constraint:aliyun.node_index!=1", rule("constraint", "aliyun.node_index", "1", equal=False)),
        ("constraint:node==~/^a.*b$/", rule("constraint", "node", "/^a.*b$/", soft=True)),
        ("affinity:service!=db", rule("affinity", "service", "db", equal=False)),
        ("affinity:service==~db", rule("affinity", "service", "db", soft=True)),
        (
            "affinity:image==~registry.example.com:5000/team/redis:3",
            rule("affinity", "image", "registry.example.com:5000/team/redis:3", soft=True),
        ),
        ("affinity:container!=nginx-*", rule("affinity", "container", "nginx-*", equal=False)),
        ("affinity:com.example.tier == web", rule("affinity", "com.example.tier", "web")),
        ("constraint:node.labels.disk == SSD", rule("constraint", "node.labels.disk", "SSD", plain=True)),
        ("constraint:node.role != manager", rule("constraint", "node.role", "manager", equal=False, plain=True)),
        ("constraint:node.ip==10.0.0.0/8", rule("constraint", "node.ip", "10.0.0.0/8", plain=True)),
        ("constraint:x==a==b", rule("constraint", "x", "a==b")),
        ("availability:az==3", ZoneRule(zones=3)),
        ("availability:az==~2", ZoneRule(zones=2, soft=True)),
        ("reschedule:on-node-failure", Reschedule.ALWAYS),
        ("reschedule:off", Reschedule.NEVER),
    ],
)
def test_an_expression_is_understood(expression, meant):
    assert read(expression) == meant


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("", "T2200"),
        ("group==db", "T2200"),
        ("constraint:group=db", "T2200"),
        ("constraint:group==", "T2200"),
        ("constraint:==db", "T2200"),
        ("constraint:1group==db", "T2200"),
        ("constraint:gro up==db", "T2200"),
        ("whitelist:node==a|b", "T2200"),
        ("constraint:node.label.disk==ssd", "T2201"),
        ("constraint:node.ip==ten", "T2202"),
        ("constraint:group==/(/", "T2202"),
        ("affinity:service==" + "a" * 257, "T2202"),
        ("affinity:service==a\x00", "T2202"),
        ("availability:az!=3", "T2203"),
        ("availability:zone==3", "T2203"),
        ("availability:az==0", "T2203"),
        ("availability:az==three", "T2203"),
        ("reschedule:always", "T2204"),
        ("reschedule:", "T2204"),
    ],
)
def test_a_faulty_expression_names_its_fault_and_a_mend(expression, code):
    with pytest.raises(Unreadable) as fault:
        read(expression)
    problem = fault.value.problem(expression, "web.environment")
    assert (problem.code, problem.place) == (code, "web.environment")
    assert problem.mend and repr(expression) in problem.text


def test_one_faulty_expression_harms_only_itself():
    said = understood(
        ["affinity:service!=db", "constraint:x", "availability:az==~2", "reschedule:on-node-failure"], "web"
    )
    assert [str(each) for each in said.rules] == ["affinity:service!=db"]
    assert said.zones == ZoneRule(zones=2, soft=True)
    assert said.reschedule is Reschedule.ALWAYS
    assert [(problem.code, problem.place) for problem in said.problems] == [("T2200", "web")]


def test_an_expression_that_is_said_twice_counts_once():
    assert len(understood(["constraint:a==b", "constraint:a==b"]).rules) == 1


def test_swarm_modes_constraints_need_no_kind():
    said = constraints(["node.labels.disk == ssd", "constraint:group==db"])
    assert [str(each) for each in said.rules] == ["node.labels.disk == ssd", "constraint:group==db"]


@pytest.mark.parametrize(
    ("name", "value", "expression"),
    [
        ("constraint:group", "=db", "constraint:group==db"),  # KEY=VALUE is cut at its first sign
        ("affinity:service!", "~db", "affinity:service!=~db"),
        ("reschedule:on-node-failure", None, "reschedule:on-node-failure"),
        ("constraint", "group==db", "constraint:group==db"),
        ("availability:az", "=~3", "availability:az==~3"),
        ("affinity", "low", None),  # a variable that happens to be called so
        ("PATH", "/bin", None),
        ("constraint", None, None),
    ],
)
def test_expressions_are_found_in_an_environment(name, value, expression):
    assert expression_of(name, value) == expression


def test_classic_swarms_labels_hold_lists():
    assert listed("com.docker.swarm.affinities", '["service!=db"]') == ("affinity:service!=db",)
    assert listed("com.docker.swarm.reschedule-policies", '["on-node-failure"]') == ("reschedule:on-node-failure",)
    with pytest.raises(Unreadable):
        listed("com.docker.swarm.constraints", "group==db")


def test_replicas_spread_over_labels_zones_and_hosts_only():
    assert spread_key("node.labels.rack") == "node.labels.rack"
    with pytest.raises(Unreadable):
        spread_key("node.role")


def test_the_label_for_a_lost_node_takes_the_same_words():
    assert reschedule_of("auto") is Reschedule.AUTO


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_with_a_code(text):
    said = understood([text, f"constraint:{text}", f"affinity:x=={text}", f"availability:{text}"])
    assert all(problem.code.startswith("T220") for problem in said.problems)
