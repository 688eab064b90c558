from __future__ import annotations

import pytest

from tidegate.cli.domain import domain_of
from tidegate.cli.serve import gather
from tidegate.cli.session import Session
from tidegate.cli.settings import load


@pytest.fixture(autouse=True)
def _nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def static(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


@pytest.fixture
def named(tmp_path):
    return static(tmp_path, "named.yaml", "services: {}\ndns:\n  domain: Shop.Internal.\n")


def test_the_first_file_that_names_a_domain_gives_it(tmp_path, named):
    plain = static(tmp_path, "plain.yaml", "services: {}\n")
    other = static(tmp_path, "other.yaml", "dns: {domain: other.internal}\n")
    assert domain_of([plain, named, other]) == ("shop.internal", f"{named}:3")


@pytest.mark.parametrize("text", ["", "[", "dns: 3\n", "dns: {domain: 'a b'}\n", "services: {}\n"])
def test_a_file_that_names_none_or_is_wrong_gives_none(tmp_path, text):
    assert domain_of([static(tmp_path, "a.yaml", text), str(tmp_path / "missing.yaml")]) == ("", "")


def test_a_file_that_is_no_text_gives_none(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"dns: {domain: \xff}\n")
    assert domain_of([str(tmp_path / "a.yaml")]) == ("", "")


def test_serve_takes_the_domain_of_a_static_file_and_says_from_where(named):
    settings = gather(Session(), None, True, {"files": (named,)})
    assert settings.config.dns.domain == "shop.internal"
    assert settings.origins["dns.domain"] == f"{named}:3"


def test_any_setting_of_the_domain_wins_over_a_static_file(tmp_path, named):
    file = static(tmp_path, "settings.yaml", f"dns: {{domain: c.internal}}\nfiles: ['{named}']\n")
    assert load({"files": (named,), "dns.domain": "a.internal"}, {}).config.dns.domain == "a.internal"
    assert load({"files": (named,)}, {"TIDEGATE_DOMAIN": "b.internal"}).config.dns.domain == "b.internal"
    assert load({}, {}, file).config.dns.domain == "c.internal"


def test_a_static_file_named_by_a_variable_counts_too(named):
    assert load({}, {"TIDEGATE_FILE": named}).config.dns.domain == "shop.internal"
