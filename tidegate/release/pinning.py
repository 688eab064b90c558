"""From a name to an image: once all engines hold one, the record says which, and nothing else is made from then on."""

from __future__ import annotations

from tidegate.release.failures import Finding, failed
from tidegate.release.image import disagreement
from tidegate.release.record import Release, moved
from tidegate.release.seen import Seen


def pinned(release: Release, seen: Seen, now: float) -> Release:
    """`release` with the images that its engines hold; it has failed where they are not one and the same. Time that it had to wait
    for them is not held against the candidate."""
    found = {**seen.images, **release.images}
    if any(node not in found for node in release.lacking):
        return release
    image = release.spec.change.image
    against = disagreement(image, found)
    if against:
        return failed(release, seen, now, Finding(text=against))
    what = f"image {image} is {next(iter(found.values())).id[:19]}"
    return moved(release, now, what, images=found, phase_since=now, progress_at=now)
