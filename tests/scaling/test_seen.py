from tidegate.scaling.seen import Replica


def test_a_replica_is_ready_once_it_has_been_so_since_some_time():
    assert Replica(id="a", ready_since=1.0).ready
    assert not Replica(id="a", started_at=1.0).ready
