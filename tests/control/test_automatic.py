from msgspec.structs import replace

from tests.support.plane import running, until
from tests.support.releases import release
from tests.support.seen import instance, inventory
from tidegate.control.automatic import due
from tidegate.control.stored import Setting
from tidegate.model import ReleasePolicy
from tidegate.release.record import State

WEB = "shop/web"
POLICY = ReleasePolicy(strategy="canary", shares=(10, 100), hold_seconds=600.0)


def web(version, created_at, **more):
    shown = {"project": "shop", "version": version, "created_at": created_at, "routes": ["a.test/"]}
    return instance(f"c-{version}-{created_at}", "web", **shown | more)


V1, V2 = web("v1", 1.0), web("v2", 100.0, release=POLICY)


def versions(*instances, waiting=("v2",), records=(), settings=(), now=200.0):
    found = due({WEB: waiting}, {"docker": inventory(*instances)}, records, settings, now)
    return [each.version for each in found]


def test_a_version_that_waits_is_due_once_no_more_containers_come():
    assert versions(V1, V2, now=104.0) == []
    assert versions(V1, V2, now=106.0) == ["v2"]
    assert versions(V1, V2, web("v2", 103.0, release=POLICY), now=106.0) == []


def test_of_two_that_wait_the_later_one_is_due():
    assert versions(V1, V2, web("v3", 110.0, release=POLICY), waiting=("v2", "v3")) == ["v3"]


def test_while_the_service_has_a_release_nobody_is_due():
    assert versions(V1, V2, web("v3", 110.0, release=POLICY), waiting=("v3",), records=[release()]) == []


def test_a_version_that_lost_its_release_is_not_due_again():
    lost = replace(release(), state=State.ROLLED_BACK)
    assert versions(V1, V2, records=[lost]) == []
    assert versions(V1, V2, records=[replace(lost, closed=True)]) == ["v2"]


def test_a_version_that_a_person_weighed_is_not_due():
    weighed = Setting(kind="weights", target=WEB, value={"v1": 100, "v2": 0}, revision=1, who="ann")
    assert versions(V1, V2, settings=[weighed]) == []
    assert versions(V1, V2, settings=[replace(weighed, value={"v1": 100})]) == ["v2"]
    assert versions(V1, V2, settings=[replace(weighed, who="tidegate")]) == ["v2"]


async def test_a_version_started_beside_another_is_released_as_its_labels_say(tmp_path):
    async with running(tmp_path) as world:
        world.see(V1)
        world.see(V1, V2)
        book = world.plane.releases.book
        await until(lambda: book.records)
        (begun,) = book.records
        assert (begun.spec.strategy.value, begun.spec.candidate.version, begun.spec.creates) == ("canary", "v2", False)
        assert [step.share for step in begun.spec.steps] == [10, 100]
        assert begun.history[0].who == "tidegate"
