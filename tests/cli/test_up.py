from __future__ import annotations

import pytest

from tests.support.cli import FakeAdmin, piped
from tests.support.stacked import COMPOSE, PATH, answers, replica, told
from tidegate.cli import stack_following
from tidegate.cli.session import Session
from tidegate.errors import Conflict, NoSuchThing, Problem, TidegateError

LACKS = {"code": "T1124", "text": "it does without mounts", "severity": "warning"}
PLANNED = {"name": "shop", "number": 0, "changes": [{"service": "web", "what": "create", "text": "web comes"}]}


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "compose.yaml"
    made.write_text(COMPOSE)
    return made


def test_up_sends_the_stack_as_understood_and_waits_until_it_is_settled(file):
    with FakeAdmin(answers(**{f"PUT {PATH}": PLANNED | {"number": 1}})) as fake:
        done = piped("up", "--why", "a test", cwd=file.parent, TIDEGATE_ADMIN=fake.address)
    assert (done.code, done.out.splitlines()[:2]) == (0, ["stack shop", "  web comes"])
    assert "stack shop: 3 of 3 replicas ready, settled" in done.out
    assert "shop-web-1: ready" in done.err
    sent = fake.changes[0].body
    assert (sent["why"], sent["source"]) == ("a test", COMPOSE)
    assert [(each["name"], each.get("scale", 1)) for each in sent["stack"]["members"]] == [("web", 2), ("db", 1)]


def test_a_dry_run_and_a_plan_only_ask(file):
    for verb in (("up", "--dry-run"), ("plan",)):
        with FakeAdmin(answers(**{f"POST {PATH}/plan": PLANNED | {"changes": []}})) as fake:
            done = piped(*verb, "-f", str(file), TIDEGATE_ADMIN=fake.address)
        assert (done.code, done.out.splitlines()[1].strip()) == (0, "nothing to do")
        assert [asked.method for asked in fake.changes] == ["POST"]


def test_json_gives_one_object(file):
    with FakeAdmin(answers(**{f"PUT {PATH}": PLANNED})) as fake:
        done = piped("up", "-f", str(file), "--json", TIDEGATE_ADMIN=fake.address)
    assert done.json["schema"] == "tidegate.up/1"
    assert done.json["data"]["stack"]["ready"] == 3


def test_after_the_deadline_it_says_what_is_missing_and_why(file):
    stuck = replica("web-2", "pending", "no such image")
    with FakeAdmin(answers("moving", replica("web-1"), stuck, **{f"PUT {PATH}": PLANNED})) as fake:
        done = piped("up", "-f", str(file), "--deadline", "500ms", TIDEGATE_ADMIN=fake.address)
    assert done.code == 7
    assert "T2111" in done.err
    assert "shop-web-2 is pending, no such image" in done.err


def test_variables_profiles_and_the_name_come_from_the_line(tmp_path):
    (tmp_path / "vars").write_text("IMAGE=image:9\n")
    (tmp_path / "c.yaml").write_text(
        "services:\n  web: {image: '${IMAGE}'}\n  extra: {image: image:1, profiles: [more]}\n"
    )
    arguments = ("-f", "c.yaml", "-p", "other", "--env-file", "vars", "--profile", "more", "--no-wait")
    with FakeAdmin(answers(**{"PUT /v1/stacks/other": PLANNED})) as fake:
        done = piped("up", *arguments, cwd=tmp_path, TIDEGATE_ADMIN=fake.address)
    assert done.code == 0, done.err
    members = fake.changes[0].body["stack"]["members"]
    assert [(each["name"], each["template"]["image"]) for each in members] == [("web", "image:9"), ("extra", "image:1")]


def test_what_is_wrong_is_told_before_anybody_is_asked(tmp_path):
    empty = piped("up", cwd=tmp_path)
    assert (empty.code, "T2110" in empty.err) == (2, True)
    (tmp_path / "compose.yaml").write_text("services: {web: {}}\n")
    wrong = piped("up", cwd=tmp_path)
    assert (wrong.code, "T1137" in wrong.err) == (2, True)
    time = piped("up", "--deadline", "soon", cwd=tmp_path)
    assert (time.code, "--deadline soon" in time.err) == (2, True)


def test_what_is_wrong_with_labels_is_a_warning_before_anything_is_waited_for(file):
    file.write_text(
        COMPOSE.replace("aliyun.scale", "aliyun.rooting.port_80: x, aliyun.log_store_a: stdout, aliyun.scale")
    )
    with FakeAdmin(answers(**{f"POST {PATH}/plan": PLANNED | {"warnings": [LACKS]}})) as fake:
        done = piped("plan", "--exit-code", "-f", str(file), TIDEGATE_ADMIN=fake.address)
    assert done.code == 3, "something would change"
    assert "warning[T1203] unknown label 'aliyun.rooting.port_80'" in done.err
    assert "did you mean" in done.err
    assert done.err.count("aliyun.log_store_a") == 1
    assert "warning[T1124] it does without mounts" in done.err


def test_replicas_that_fail_again_and_again_are_not_waited_for(monkeypatch):
    failing = replica("web-2", "pending", "the registry does not know image:2", ended=3)

    class Admin:
        def get(self, path):
            return told("moving", replica("web-1"), failing)

    monkeypatch.setattr(stack_following, "STILL_SECONDS", 0.0)
    with pytest.raises(TidegateError, match="T2114") as caught:
        stack_following.follow(Session(), Admin(), "shop", 60.0)
    assert caught.value.exit_code == 1
    assert "shop-web-2 is pending, the registry does not know image:2" in caught.value.problems[0].cause


def test_without_a_server_it_says_how_to_start_one(file):
    done = piped("up", "-f", str(file), TIDEGATE_ADMIN="127.0.0.1:1")
    assert done.code == 5
    assert "tidegate serve" in done.err


def test_two_files_are_refused_and_one_beside_that_is_not_read_is_named(file):
    twice = piped("plan", "-f", str(file), "-f", "other.yaml")
    assert (twice.code, "error[T2115] one file is read, not" in twice.err) == (2, True)
    (file.parent / "compose.override.yml").write_text("services: {}\n")
    with FakeAdmin(answers(**{f"POST {PATH}/plan": PLANNED})) as fake:
        done = piped("plan", cwd=file.parent, TIDEGATE_ADMIN=fake.address, COMPOSE_FILE="a.yaml:b.yaml")
        named = piped("plan", "-f", str(file), TIDEGATE_ADMIN=fake.address)
    assert "warning[T2115] compose.override.yml is not read" in done.err
    assert "warning[T2115] COMPOSE_FILE is not heeded" in done.err
    assert (named.code, named.err) == (0, "")


def test_one_that_somebody_takes_down_is_not_waited_for(file):
    with FakeAdmin(answers("leaving", **{f"PUT {PATH}": PLANNED})) as fake:
        done = piped("up", "-f", str(file), TIDEGATE_ADMIN=fake.address)
    assert (done.code, "uid 0 takes it down meanwhile" in done.err) == (6, True)


def test_one_that_is_gone_was_taken_down():
    class Admin:
        def get(self, path):
            raise NoSuchThing(Problem(code="T2102", text="there is no stack shop"))

    with pytest.raises(Conflict, match="T2106"):
        stack_following.follow(Session(), Admin(), "shop", 60.0)


def test_who_stops_waiting_is_told_that_it_goes_on(capsys):
    class Admin:
        def get(self, path):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stack_following.follow(Session(), Admin(), "shop", 60.0)
    assert "it goes on: tidegate show shop" in capsys.readouterr().err
