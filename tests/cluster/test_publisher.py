"""What this node sees, in the store: on its lease, and only what changed."""

import asyncio
from contextlib import asynccontextmanager

from msgspec.structs import replace

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.virtual_time import run_virtual
from tidegate.cluster.keys import seen_key, stock_key
from tidegate.cluster.publisher import Publisher
from tidegate.cluster.seen import Places, read_part
from tidegate.model import HealthReport, HealthSource, HealthState, Instance, InstanceState, Inventory
from tidegate.placement.stock import Stock
from tidegate.store.port import Put


def instance(service="web", id_="i1", **more):
    return Instance(id=id_, name=id_, provider="docker", service=service, ports=(80,), **more)


def inventory(version=1, provider="docker", **services):
    return Inventory(provider=provider, version=version, services={key: tuple(each) for key, each in services.items()})


class Stage:
    """A publisher on a store, with a lease that the test gives."""

    def __init__(self, store) -> None:
        self.store = store
        self.lease = None
        self.reports = {}
        self.publisher = Publisher(store, "a", lambda: self.lease, self.reports, lambda: Places(address="10.0.0.1"))

    async def join(self) -> None:
        self.lease = await self.store.grant(15.0)
        self.publisher.joined()
        await asyncio.sleep(1)

    async def offer(self, inventory) -> None:
        self.publisher.offer_inventory(inventory)
        await asyncio.sleep(1)

    async def judge(self, endpoint, state) -> None:
        self.reports[endpoint] = HealthReport(endpoint=endpoint, state=state, source=HealthSource.PROBE, since=1.0)
        self.publisher.offer_health(self.reports[endpoint])
        await asyncio.sleep(1)

    def told(self, service="web"):
        entry = getattr(self.store, "store", self.store).entries.get(seen_key("a", service, 0))
        return None if entry is None else {each.instance.id: each.health for each in read_part(entry.value)}


@asynccontextmanager
async def stage(store=None):
    made = Stage(store or MemoryStore())
    async with beside(made.publisher.run()):
        yield made


def test_what_is_seen_is_told_with_its_health_once_the_node_has_joined():
    async def main() -> None:
        async with stage() as made:
            await made.offer(inventory(web=[instance()]))
            assert made.told() is None
            await made.join()
            assert made.told() == {"i1": {"80": "starting"}}
            await made.judge("i1:80", HealthState.HEALTHY)
            assert made.told() == {"i1": {"80": "healthy"}}

    run_virtual(main())


def test_only_the_service_that_changed_is_written():
    async def main() -> None:
        async with stage() as made:
            await made.join()
            web, db = (instance(),), (instance("db", "i2"),)
            await made.offer(Inventory(provider="docker", version=1, services={"web": web, "db": db}))
            before = len(made.store.log)
            await made.offer(Inventory(provider="docker", version=2, services={"web": web, "db": db}))
            assert len(made.store.log) == before
            draining = (replace(web[0], state=InstanceState.DRAINING),)
            await made.offer(Inventory(provider="docker", version=3, services={"web": draining, "db": db}))
            assert [change.key for _, batch in made.store.log[before:] for change in batch] == [seen_key("a", "web", 0)]

    run_virtual(main())


def test_what_says_the_same_in_other_objects_is_not_written():
    async def main() -> None:
        async with stage() as made:
            await made.join()
            await made.offer(inventory(web=[instance()]))
            before = made.store.revision
            await made.offer(inventory(2, web=[instance()]))
            assert made.store.revision == before

    run_virtual(main())


def test_what_is_gone_is_taken_away():
    async def main() -> None:
        async with stage() as made:
            await made.join()
            await made.offer(inventory(web=[instance()]))
            await made.offer(inventory(2))
            assert made.told() is None

    run_virtual(main())


def test_instances_of_one_service_on_two_engines_are_told_together():
    async def main() -> None:
        async with stage() as made:
            await made.join()
            await made.offer(inventory(web=[instance()]))
            await made.offer(inventory(provider="docker2", web=[instance(id_="i2")]))
            assert set(made.told()) == {"i1", "i2"}
            await made.offer(inventory(2, provider="docker2"))
            assert set(made.told()) == {"i1"}

    run_virtual(main())


def test_a_store_that_was_restored_is_told_everything_again_and_what_is_no_more_is_taken_away():
    async def main() -> None:
        async with stage() as made:
            await made.join()
            await made.offer(inventory(web=[instance()]))
            old = seen_key("a", "old", 0)
            for key, value in ((seen_key("a", "web", 0), b"[]"), (old, b"[]")):
                await made.store.txn((), (Put(key=key, value=value, lease=made.lease),))
            made.publisher.retell()
            await asyncio.sleep(1)
            assert made.told() == {"i1": {"80": "starting"}} and old not in made.store.entries

    run_virtual(main())


def test_a_burst_costs_few_writes():
    async def main() -> None:
        async with stage() as made:
            await made.join()
            before = len(made.store.log)
            for number in range(100):
                made.publisher.offer_inventory(inventory(number, web=[instance(id_=f"i{number}")]))
                await asyncio.sleep(0.001)
            await asyncio.sleep(1)
            assert set(made.told()) == {"i99"}
            assert len(made.store.log) - before <= 5

    run_virtual(main())


def test_with_a_new_lease_all_is_written_again_and_what_an_earlier_life_left_goes():
    async def main() -> None:
        store = MemoryStore()
        await store.txn(
            (), (Put(key=seen_key("a", "old", 0), value=b"[]"), Put(key=seen_key("a", "web", 1), value=b"[]"))
        )
        async with stage(store) as made:
            await made.offer(inventory(web=[instance()]))
            await made.join()
            assert set(store.entries) == {seen_key("a", "web", 0)}
            first = made.lease
            store.end(first)
            assert made.told() is None
            await made.join()
            assert made.told() is not None and store.entries[seen_key("a", "web", 0)].lease == made.lease != first

    run_virtual(main())


def test_what_the_store_does_not_take_is_told_when_it_does():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        async with stage(way) as made:
            await made.join()
            way.broken = True
            await made.offer(inventory(web=[instance()]))
            assert made.told() is None
            way.broken = False
            await asyncio.sleep(2)
            assert made.told() == {"i1": {"80": "starting"}}

    run_virtual(main())


def test_health_of_what_is_not_ours_is_not_told():
    async def main() -> None:
        async with stage() as made:
            await made.join()
            before = made.store.revision
            await made.judge("elsewhere:80", HealthState.HEALTHY)
            assert made.store.revision == before

    run_virtual(main())


def test_more_than_one_transaction_takes_is_split():
    async def main() -> None:
        async with stage() as made:
            await made.join()
            services = {
                f"s{number}": [instance(f"s{number}", f"i{number}", texts=("x" * 9000,))] for number in range(250)
            }
            await made.offer(inventory(**services))
            assert all(made.told(f"s{number}") for number in range(250))
            assert max(len(batch) for _, batch in made.store.log) <= 100

    run_virtual(main())


def test_what_the_engine_holds_is_told_kind_by_kind_and_only_what_changed():
    async def main() -> None:
        async with stage() as made:
            made.publisher.offer_stock(Stock(images=("web:1",), volumes=("data",)))
            await made.join()
            keys = {kind: stock_key("a", kind) for kind in ("images", "volumes", "ports")}
            assert keys["images"] in made.store.entries and keys["volumes"] in made.store.entries
            assert made.store.entries[keys["images"]].lease == made.lease
            before = len(made.store.log)
            made.publisher.offer_stock(Stock(images=("web:1",), ports=("tcp/80",)))
            await asyncio.sleep(1)
            changed = {change.key: change.value for _, batch in made.store.log[before:] for change in batch}
            assert changed.keys() == {keys["volumes"], keys["ports"]} and changed[keys["volumes"]] is None

    run_virtual(main())


def test_what_an_earlier_life_said_of_its_engine_is_taken_away():
    async def main() -> None:
        store = MemoryStore()
        old = await store.grant(15.0)
        await store.txn((), (Put(key=stock_key("a", "images"), value=b"{}", lease=old),))
        async with stage(store) as made:
            made.publisher.offer_stock(Stock(volumes=("data",)))
            await made.join()
            assert stock_key("a", "images") not in store.entries
            assert store.entries[stock_key("a", "volumes")].lease == made.lease

    run_virtual(main())
