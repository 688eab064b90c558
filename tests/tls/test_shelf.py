from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from tests.support.secure import House
from tidegate.config import TlsConfig
from tidegate.policy import ClientCertificates
from tidegate.tls.shelf import Shelf

NOW = time.time()
DAY = 86400.0


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def codes(shelf):
    return [problem.code for problem in shelf.view.problems]


def day(number):
    return datetime.now(UTC) + timedelta(days=number)


def test_a_look_finds_what_is_there_and_the_next_one_nothing_new(house):
    house.pair("a.test")
    house.pair("b", "b.test", "*.b.test")
    shelf = house.shelf()
    assert shelf.look(NOW)
    assert not shelf.look(NOW)
    assert sorted(pair.name for pair in shelf.view.pairs) == ["a.test", "b"]
    assert shelf.view.find("x.b.test").name == "b"
    assert shelf.view.find("c.test") is None
    assert not shelf.view.problems


def test_a_changed_pair_takes_the_place_of_the_old_one(house):
    house.pair("a.test")
    shelf = house.shelf()
    shelf.look(NOW)
    before = shelf.view.find("a.test")
    house.pair("a.test")
    assert shelf.look(NOW)
    assert shelf.view.find("a.test").certificate.fingerprint != before.certificate.fingerprint


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda house: (house.certs / "a.test.key").write_bytes(trustme.CA().private_key_pem.bytes()), "T1903"),
        (lambda house: (house.certs / "a.test.crt").write_text("half a fi"), "T1902"),
        (lambda house: (house.certs / "a.test.key").unlink(), "T1901"),
        (lambda house: house.pair("a.test", not_before=day(-9), not_after=day(-1)), "T1904"),
        (lambda house: house.pair("a.test", not_before=day(1), not_after=day(9)), "T1904"),
    ],
)
def test_a_bad_pair_is_named_and_changes_nothing_until_it_is_good(house, damage, code):
    house.pair("a.test")
    house.pair("b.test")
    shelf = house.shelf()
    shelf.look(NOW)
    served = shelf.view.find("a.test")
    damage(house)
    assert shelf.look(NOW)
    assert codes(shelf) == [code]
    assert shelf.view.problems[0].kept == "what was served before stays"
    assert shelf.view.find("a.test") is served
    assert shelf.view.find("b.test") is not None
    house.pair("a.test")
    assert shelf.look(NOW)
    assert not codes(shelf)
    assert shelf.view.find("a.test") is not served


def test_one_bad_pair_from_the_start_stops_no_other(house):
    house.write("bad", b"nothing", b"nothing")
    house.pair("a.test")
    shelf = house.shelf()
    shelf.look(NOW)
    assert codes(shelf) == ["T1902"]
    assert shelf.view.find("a.test") is not None


def test_a_pair_that_is_gone_is_taken_off_at_the_second_look(house):
    house.pair("a.test")
    shelf = house.shelf()
    shelf.look(NOW)
    for name in ("a.test.crt", "a.test.key"):
        (house.certs / name).unlink()
    shelf.look(NOW)
    assert shelf.view.find("a.test") is not None
    assert shelf.look(NOW)
    assert shelf.view.find("a.test") is None


def test_a_folder_out_of_sight_takes_nothing_with_it(house):
    house.pair("a.test")
    shelf = house.shelf()
    shelf.look(NOW)
    away = house.certs.with_name("away")
    house.certs.rename(away)
    for _ in range(3):
        shelf.look(NOW)
    assert codes(shelf) == ["T1901"]
    assert shelf.view.find("a.test") is not None
    away.rename(house.certs)
    shelf.look(NOW)
    assert not codes(shelf)


def test_a_file_written_twice_within_a_tick_of_the_clock_is_read_again(house):
    issued = house.pair("a.test")
    shelf = house.shelf()
    shelf.look(NOW)
    key = house.certs / "a.test.key"
    stamp = key.stat()
    good = issued.private_key_pem.bytes()
    key.write_bytes(b"-" * len(good))
    os.utime(key, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    shelf.look(NOW)
    assert codes(shelf) == ["T1903"]


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (31, None),
        (29, "expires in less than 30 days"),
        (13, "expires in less than 14 days"),
        (2, "expires in less than 3 days"),
        (-1, "has expired; clients refuse it"),
    ],
)
def test_the_last_days_are_told_and_an_expired_one_is_served_while_there_is_no_other(house, left, text):
    house.pair("a.test", not_before=day(-40), not_after=day(20))
    shelf = house.shelf()
    shelf.look(NOW + (20 - left) * DAY)
    found = [problem.text for problem in shelf.view.problems]
    assert found == ([f"certificate a.test {text}"] if text else [])
    assert shelf.view.find("a.test") is not None


def test_a_key_that_others_may_read_is_told(house):
    house.pair("a.test")
    (house.certs / "a.test.key").chmod(0o640)
    shelf = house.shelf()
    shelf.look(NOW)
    assert [(each.code, each.severity) for each in shelf.view.problems] == [("T1905", "warning")]
    assert shelf.view.find("a.test") is not None


def test_a_broken_authority_is_no_authority(house):
    house.authority("staff", trustme.CA())
    shelf = house.shelf()
    shelf.look(NOW)
    assert list(shelf.view.authorities) == ["staff"]
    (house.authorities / "staff.pem").write_text("broken")
    shelf.look(NOW)
    assert codes(shelf) == ["T1906"]
    assert not shelf.view.authorities


def test_the_default_is_one_that_is_there(house):
    house.pair("fallback", "f.test")
    shelf = house.shelf(default="fallback")
    shelf.look(NOW)
    assert shelf.view.find("b.test").name == "fallback"
    shelf = house.shelf(default="none")
    shelf.look(NOW)
    assert codes(shelf) == ["T1907"]
    assert shelf.view.find("b.test") is None


def test_a_static_file_names_pairs_anywhere_and_is_followed(house, tmp_path):
    house.pair("a", "a.test")
    static = tmp_path / "static.yaml"
    where = f"{{name: shop, certificate: {house.certs}/a.crt, key: {house.certs}/a.key}}"
    static.write_text(
        f"tls:\n  default: shop\n  certificates:\n    - {where}\n  clients:\n    a.test: {{authority: staff}}\n"
    )
    shelf = Shelf(TlsConfig(), (str(static),))
    shelf.look(NOW)
    assert shelf.view.find("anything").name == "shop"
    assert shelf.view.client_rule("a.test") == ClientCertificates(authority="staff")
    static.write_text("tls:\n  certificates: oops\n")
    shelf.look(NOW)
    assert codes(shelf) == ["T1909"]
    assert shelf.view.find("a.test").name == "shop"
    assert shelf.view.client_rule("a.test") is not None


def test_a_certificate_that_becomes_valid_with_time_is_chosen_then(house):
    house.pair("old", "a.test", not_before=day(-40), not_after=day(5))
    house.pair("new", "a.test", not_before=day(1), not_after=day(60))
    shelf = house.shelf()
    shelf.look(NOW)
    assert shelf.view.find("a.test").name == "old"
    assert shelf.look(NOW + 2 * DAY)
    assert shelf.view.find("a.test").name == "new"
