from tidegate.building import BuildOptions


def test_a_claim_lingers_longer_than_an_engine_takes_to_stop_a_container():
    assert BuildOptions().linger_seconds > 10.0, "the grace of docker stop"


def test_a_name_is_not_cached_longer_than_a_container_drains():
    assert BuildOptions().ttl_seconds < 10
