import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.discovery.complaints import Complaints
from tidegate.discovery.probe import NAMES, Setting, UnreadableProbe, read_probe
from tidegate.model import ProbeKind, ProbeSpec


def read(aliyun=False, **settings):
    complaints = Complaints(lambda at: at)
    probe = read_probe({name: Setting(name, text, aliyun) for name, text in settings.items()}, complaints)
    return probe, [problem.code for problem in complaints.problems]


def test_nothing_set_is_no_probe():
    assert read() == (None, [])


@pytest.mark.parametrize(("aliyun", "port"), [(True, 80), (False, 0)])
def test_a_url_without_a_port_means_80_or_the_endpoints_own(aliyun, port):
    assert read(aliyun, url="HTTP://CONTAINER/x") == (ProbeSpec(kind=ProbeKind.HTTP, port=port, path="/x"), [])


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/check.sh", ("/check.sh",)),
        ("curl -f 'http://127.0.0.1/a b'", ("curl", "-f", "http://127.0.0.1/a b")),
        ("a && b", ("/bin/sh", "-c", "a && b")),
        ("test -n $HOME", ("/bin/sh", "-c", "test -n $HOME")),
        ("ls *.pid", ("/bin/sh", "-c", "ls *.pid")),
    ],
)
def test_a_command_is_split_unless_it_needs_a_shell(text, command):
    assert read(cmd=text)[0].command == command


def test_two_ways_of_asking_are_none():
    assert read(url="http://container", cmd="true") == (UnreadableProbe(), ["T1207"])


@pytest.mark.parametrize(
    ("name", "text", "aliyun"),
    [
        ("timeout_seconds", "0.5", True),
        ("timeout_seconds", "0", False),
        ("timeout_seconds", "301", False),
        ("interval_seconds", "0.01", False),
        ("initial_delay_seconds", "1e3", False),
        ("rise", "0", False),
        ("fall", "1.5", False),
    ],
)
def test_a_number_out_of_its_range_leaves_the_default(name, text, aliyun):
    assert read(aliyun, url="http://container:80", **{name: text}) == (
        ProbeSpec(kind=ProbeKind.HTTP, port=80),
        ["T1208"],
    )


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=20)))
def test_any_settings_give_a_probe_or_a_reason(settings):
    probe, codes = read(**settings)
    assert codes or isinstance(probe, ProbeSpec) or not settings
    assert not isinstance(probe, UnreadableProbe) or "T1207" in codes
