"""Images that are to be the latest ones: their registries are asked what a name stands for when a stack is put up, once for all nodes."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.engine.port import Engine
from tidegate.release.spec import Pull
from tidegate.stacks.fingerprint import fingerprint_with
from tidegate.stacks.stack import Member, Stack


async def latest(stack: Stack, engine: Engine) -> Stack:
    """The stack with those members bound to what their images are now; one image is asked for once. Raises what the engine does."""
    images = dict.fromkeys(each.template.image for each in stack.members if each.pull is Pull.ALWAYS)
    digests = {each: await engine.latest(each) for each in images if "@" not in each}
    return replace(stack, members=tuple(_bound(each, digests) for each in stack.members))


def _bound(member: Member, digests: dict[str, str]) -> Member:
    """Its containers are other ones when the digest is another one. What is called by its digest needs no asking again."""
    digest = digests.get(member.template.image, "") if member.pull is Pull.ALWAYS else ""
    if not digest:
        return member
    config = fingerprint_with(member.config, digest)
    return replace(member, digest=digest, config=config, pull=Pull.MISSING)
