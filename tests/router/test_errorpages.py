from __future__ import annotations

import pytest

from tests.support.client import GET, get
from tests.support.origin import serving
from tests.support.router import quick, route, running
from tidegate.errors import ConfigError
from tidegate.policy import Filters, Timeouts
from tidegate.router.errorpages import MAX_BYTES, read_pages


def test_no_folder_is_no_pages():
    assert read_pages("") == {}


def test_a_status_has_its_own_page_or_the_one_for_the_rest(tmp_path):
    (tmp_path / "404.html").write_text("<h1>gone</h1>")
    (tmp_path / "error.txt").write_text("sorry")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    (tmp_path / "200.html").write_text("never")
    pages = read_pages(str(tmp_path))
    assert (pages[404], pages[503], pages[502]) == (b"<h1>gone</h1>", b"sorry", b"sorry")
    assert 200 not in pages


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_pages(str(tmp_path / "none"))
    assert caught.value.problems[0].code == "T1017"
    assert caught.value.problems[0].place == str(tmp_path / "none")


def test_a_page_that_is_too_large_is_named(tmp_path):
    (tmp_path / "503.html").write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match=r"503\.html"):
        read_pages(str(tmp_path))


async def test_a_page_of_the_folder_is_shown_unless_the_route_has_one(tmp_path):
    (tmp_path / "404.html").write_text("<h1>nothing here</h1>")
    (tmp_path / "503.html").write_text("<h1>later</h1>")
    own = route(timeouts=Timeouts(hold=0.1), filters=Filters(pages=((503, "mine"),)))
    other = route(host="b.test", timeouts=Timeouts(hold=0.1))
    config = quick(error_pages=str(tmp_path))
    async with serving() as origin, running(origin, config=config, routes=[own, other]) as mesh:
        mesh.publish(services=[])
        client = await mesh.client()
        assert (await client.ask(GET)).body == b"mine"
        assert (await client.ask(get(host="b.test"))).body == b"<h1>later</h1>"
        missing = await client.ask(get(host="c.test"))
        assert (missing.status, missing.body) == (404, b"<h1>nothing here</h1>")
        assert missing.headers["content-type"].startswith("text/html")
