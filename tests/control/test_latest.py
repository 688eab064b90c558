from tests.support.fake_engine import FakeEngine
from tests.support.stack_stage import member, stack
from tidegate.control.latest import latest
from tidegate.engine.process import ProcessEngine
from tidegate.release.spec import Pull


async def bound(*members):
    engine = FakeEngine()
    engine.registry |= {"image:1", "image:2"}
    return (await latest(stack(*members), engine)).members, engine.calls["latest"]


async def test_an_image_is_asked_for_once_and_its_members_are_made_of_its_digest():
    (web, api), asked = await bound(member(pull=Pull.ALWAYS), member("api", pull=Pull.ALWAYS))
    assert web.image == api.image == "image:1@sha256:image:1"
    assert (web.template.image, web.pull, asked) == ("image:1", Pull.MISSING, 1)


async def test_another_digest_makes_other_containers():
    (first,), _ = await bound(member(pull=Pull.ALWAYS))
    (second,), _ = await bound(member(image="image:2", pull=Pull.ALWAYS, config="config-of-image:1"))
    assert len({first.config, second.config, "config-of-image:1"}) == 3


async def test_who_needs_no_latest_image_or_says_which_one_is_as_it_was():
    members = (member(), member("api", image="image:2@sha256:feed", pull=Pull.ALWAYS))
    assert await bound(*members) == (members, 0)


async def test_processes_have_no_images_that_could_be_later_ones(tmp_path):
    wanted = stack(member(pull=Pull.ALWAYS))
    assert await latest(wanted, ProcessEngine(tmp_path)) == wanted
