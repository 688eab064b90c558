"""How workers learn the cluster's secret."""

from tidegate.app.peerkey import PeerKey, keep


def test_there_is_none_until_it_is_kept_and_another_is_found_within_a_second(tmp_path):
    now = 0.0
    key = PeerKey(tmp_path, lambda: now)
    assert key.current() == b""
    keep(tmp_path, b"secret")
    assert key.current() == b"secret", "who has none looks each time"
    keep(tmp_path, b"another")
    now = 0.5
    assert key.current() == b"secret", "it is not read for each connection"
    now = 1.0
    assert key.current() == b"another"


def test_only_we_may_read_it(tmp_path):
    keep(tmp_path, b"secret")
    assert (tmp_path / "peer.key").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["peer.key"]
