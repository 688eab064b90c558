from tidegate.engine.docker_raw import decode
from tidegate.engine.port import PullStep
from tidegate.engine.pull_progress import PullProgress, RawPull


def feed(*values):
    """The last step, for values as an engine sends them."""
    progress = PullProgress()
    return [progress.feed(decode(RawPull, value.encode())) for value in values][-1]


def layer(identity, status, current=None, total=None):
    detail = f'{{"current": {current}, "total": {total}}}' if current is not None else "{}"
    return f'{{"status": "{status}", "progressDetail": {detail}, "id": "{identity}"}}'


def test_the_first_words_are_of_no_layer():
    assert feed('{"status": "Pulling from shop/web", "id": "v2"}') == PullStep(said="Pulling from shop/web")


def test_bytes_of_all_layers_are_added():
    step = feed(
        layer("a", "Pulling fs layer"),
        layer("b", "Pulling fs layer"),
        layer("a", "Downloading", 10, 100),
        layer("b", "Downloading", 5, 50),
        layer("a", "Downloading", 60, 100),
    )
    assert step == PullStep(said="Downloading", layers=2, done_bytes=65, total_bytes=150)


def test_a_layer_is_done_when_it_is_unpacked():
    step = feed(
        layer("a", "Pulling fs layer"),
        layer("a", "Downloading", 40, 100),
        layer("a", "Verifying Checksum"),
        layer("a", "Download complete"),
        layer("a", "Extracting", 100, 100),
        layer("a", "Pull complete"),
    )
    assert step == PullStep(said="Pull complete", layers_done=1, layers=1, done_bytes=100, total_bytes=100)


def test_a_layer_that_the_engine_holds_is_done_and_has_no_bytes():
    assert feed(layer("a", "Already exists")) == PullStep(said="Already exists", layers_done=1, layers=1)


def test_the_last_words_are_of_no_layer():
    step = feed(layer("a", "Already exists"), '{"status": "Digest: sha256:00"}', '{"status": "Status: up to date"}')
    assert (step.said, step.layers) == ("Status: up to date", 1)


def test_an_error_is_a_value_of_the_stream():
    assert decode(RawPull, b'{"errorDetail": {"message": "no"}, "error": "no"}').error == "no"
