import pytest

from tidegate.discovery.hosts import ALIYUN, TIDEGATE, read_host, read_path
from tidegate.settings.fault import Fault


@pytest.mark.parametrize(
    ("text", "grammar", "host"),
    [
        ("Web.Example.Test", ALIYUN, "web.example.test"),
        ("web", ALIYUN, "web.local"),
        ("*.web.test", TIDEGATE, "*.web.test"),
        ("*.test", TIDEGATE, "*.test"),
        ("a-b.c--d.test", ALIYUN, "a-b.c--d.test"),
        ("a." + "b." * 58 + "test", ALIYUN, "a." + "b." * 58 + "test"),
    ],
)
def test_a_host_is_lower_case_and_whole(text, grammar, host):
    assert read_host(text, grammar, "local") == host


@pytest.mark.parametrize(
    "text", ["", "*", "*.", ".", "a.", ".a", "a b.test", "a\n.test", "1.2.3.4", "é.test", "a_b", "x:1"]
)
def test_what_is_no_host_is_a_fault_with_a_mend(text):
    fault = read_host(text, TIDEGATE, "local")
    assert isinstance(fault, Fault)
    assert fault.mend


def test_without_a_root_domain_a_bare_word_is_refused():
    assert isinstance(read_host("web", TIDEGATE, ""), Fault)


@pytest.mark.parametrize(
    ("text", "path"), [("", "/"), ("/", "/"), ("/a", "/a"), ("/a/", "/a"), ("/A/b.c", "/A/b.c"), ("/a..b", "/a..b")]
)
def test_a_path_has_no_trailing_slash(text, path):
    assert read_path(text, ALIYUN) == path
    assert read_path(text, TIDEGATE) == path


@pytest.mark.parametrize("text", ["a", "//", "/a//b", "/./a", "/a/..", "/a?b", "/a#b", "/a b", "/%zz", "/a\r"])
def test_what_is_no_plain_path_is_a_fault(text):
    assert isinstance(read_path(text, TIDEGATE), Fault)
    assert isinstance(read_path(text, ALIYUN), Fault)
