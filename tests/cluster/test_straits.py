"""What becomes of the store itself is told once, and a store that was restored is told all again."""

from tidegate.cluster.straits import Straits
from tidegate.errors import Problem

FULL = Problem(code="T1525", text="it has no space left", mend="make some")


class World:
    def __init__(self):
        self.problems, self.told, self.restored = (), [], 0
        self.straits = Straits(lambda: self.problems, lambda kind, text: self.told.append((kind, text)), self.restore)

    async def restore(self):
        self.restored += 1

    async def see(self, *problems):
        self.problems = problems
        await self.straits.look()
        await self.straits.look()
        told, self.told = self.told, []
        return told


async def test_a_store_without_space_is_told_once_with_its_mend_and_again_when_it_has_some():
    world = World()
    assert await world.see() == []
    assert await world.see(FULL) == [("store", "it has no space left (T1525); make some")]
    assert await world.see() == [("store", "the cluster store takes writes again")]
    assert world.restored == 0


async def test_each_restore_is_told_and_answered_once():
    world = World()
    for text in ("it was 9 and is 3", "it was 7 and is 3"):
        assert await world.see(Problem(code="T1527", text=text, mend="none")) == [("store", f"{text} (T1527); none")]
    assert world.restored == 2
    assert await world.see() == [] and world.restored == 2


async def test_what_passes_by_itself_is_not_told_here():
    world = World()
    assert await world.see(Problem(code="T1520", text="it cannot be reached")) == []
