import asyncio

from tests.support.fake_engine import FakeEngine
from tests.support.plane import running, until
from tests.support.seen import instance, report
from tidegate.elasticity import Bound, Metric, ScalingPolicy

POLICY = ScalingPolicy(bounds=(Bound(metric=Metric.CPU, high=70, low=30),), least=2)


async def test_a_scaled_service_is_listed_and_shown_with_its_rule_and_why(tmp_path):
    engine = FakeEngine()
    made = engine.run("web-1", {"tidegate.service": "shop/web"})
    async with running(tmp_path, engines={"docker": engine}) as world:
        assert (await world.ask("GET", "/v1/scaling"))[1] == {"scaling": []}
        assert (await world.ask("GET", "/v1/scaling/shop/web"))[0] == 404
        world.see(instance(made, project="shop", routes=["a.test/"], scaling=POLICY, name="web-1"))
        world.reconciler.offer_health(report(f"{made}:80"))
        world.reconciler.settle()
        scaling = world.plane.autoscaling
        await until(lambda: scaling.book.known)
        decision = await asyncio.wait_for(scaling.look("shop/web"), 5)
        assert (decision.wanted, decision.why) == (2, "1 are fewer than min_instances 2")
        (found,) = (await world.ask("GET", "/v1/scaling"))[1]["scaling"]
        assert (found["service"], found["wanted"], found["running"], found["own"]) == ("shop/web", 2, 1, 1)
        assert found["rule"] == [
            "1 more when CPU is above 70 % for 3 periods of 60 s",
            "1 fewer when CPU is below 30 % for 3 periods of 60 s",
        ]
        whole = (await world.ask("GET", "/v1/scaling/shop/web"))[1]
        assert [each["wanted"] for each in whole["changes"]] == [2]
        assert whole["policy"]["least"] == 2
        shown = (await world.ask("GET", "/v1/services/shop/web"))[1]
        assert shown["scaling"]["why"] == found["why"]
        steps = (await world.ask("GET", "/v1/explain?container=web"))[1]["steps"]
        assert steps[0] == "service shop/web: 1 of 1 endpoints ready, versions default"
        assert steps[-2] == "  now: 1 are fewer than min_instances 2"
        assert (await world.ask("GET", "/v1/explain?container=nobody"))[0] == 404
        await world.plane.metering.read(world.reconciler.inventories["docker"].services["shop/web"])
        (endpoint,) = (await world.ask("GET", "/v1/services/shop/web"))[1]["endpoints"]
        assert endpoint["load"]["memory_bytes"] == 0
        await until(lambda: any(each.name == "shop-web-copy-1" for each in engine.containers.values()))
