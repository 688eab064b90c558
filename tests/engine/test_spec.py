from tidegate.engine.spec import ContainerSpec, Logging, VolumeSpec


def test_secrets_are_not_shown():
    spec = ContainerSpec(name="a", image="x", environment={"PASSWORD": "hush"})
    logging = Logging(driver="splunk", options={"splunk-token": "hush"})
    volume = VolumeSpec(name="v", options={"o": "password=hush"})
    for shown in map(repr, (spec, logging, volume)):
        assert "hush" not in shown
    assert "PASSWORD" in repr(spec)
