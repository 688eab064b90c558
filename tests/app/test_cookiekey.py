from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tidegate.app.cookiekey import cookie_key, dns_cookie_key


def test_the_key_is_made_once_and_only_for_us(tmp_path):
    key = cookie_key(tmp_path)
    assert len(key) == 32
    assert cookie_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == ["cookie.key"]
    assert (tmp_path / "cookie.key").stat().st_mode & 0o777 == 0o600


def test_workers_that_start_at_once_agree(tmp_path):
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        keys = list(pool.map(cookie_key, [tmp_path] * 8))
    assert len(set(keys)) == 1


def test_without_a_folder_there_is_a_key_for_this_life(tmp_path):
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    assert len(cookie_key(nowhere)) == 32
    assert cookie_key(nowhere) != cookie_key(nowhere)


def test_the_key_of_dns_cookies_goes_with_the_key_and_is_another():
    key = bytes(range(32))
    assert dns_cookie_key(key) == dns_cookie_key(key) != dns_cookie_key(key[::-1])
    assert len(dns_cookie_key(key)) == 16
    assert dns_cookie_key(key) not in key
