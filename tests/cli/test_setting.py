from __future__ import annotations

import pytest

from tests.support.cli import RECORDED, FakeAdmin, piped


@pytest.fixture
def fake():
    with FakeAdmin(RECORDED) as fake:
        yield fake


def run(fake, *arguments):
    return piped(*arguments, TIDEGATE_ADMIN=fake.address)


def test_settings_are_sent_as_they_are_written_and_the_way_back_is_shown(fake):
    done = run(fake, "set", "shop/web", "retry.tries=1", "page.503=a=b", "--why", "try")
    assert done.code == 0
    (asked,) = fake.changes
    assert (asked.method, asked.path, asked.query) == ("PUT", "/v1/settings/shop/web", {"wait": "30"})
    assert asked.body == {"settings": {"retry.tries": "1", "page.503": "a=b"}, "why": "try"}
    assert "undo: tidegate unset shop/web retry.tries page.503" in done.out


def test_a_dry_run_changes_nothing_and_says_what_would(fake):
    done = run(fake, "set", "shop.test/api", "retry.tries=1", "--dry-run")
    assert fake.changes[0].query == {"dry_run": "true"}
    assert done.out.endswith("dry run: nothing was changed\n")


def test_settings_are_taken_back_by_name_or_all(fake):
    run(fake, "unset", "shop/web", "retry.tries")
    done = run(fake, "unset", "shop/web", "--json")
    assert [(asked.method, asked.body) for asked in fake.changes] == [
        ("DELETE", {"names": ["retry.tries"]}),
        ("DELETE", {"names": []}),
    ]
    assert done.json["data"]["settings"] == {"retry.tries": "1"}


@pytest.mark.parametrize("pairs", [["retry.tries"], ["=1"], ["a=1", "a=2"]])
def test_what_is_no_pair_is_refused_before_anybody_is_asked(fake, pairs):
    done = run(fake, "set", "web", *pairs)
    assert done.code == 2
    assert "T1709" in done.err
    assert fake.asked == []
