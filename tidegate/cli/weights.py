"""Arithmetic of `shift`: what the operator wrote, and what follows for the versions not named. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.cli.faults import UsageFault, did_you_mean, usage

MOST = 1000


def read(words: Sequence[str]) -> dict[str, int]:
    """`v2=10 v1=90` as a mapping. Raises UsageFault for every wrong word at once."""
    found: dict[str, int] = {}
    faults: list[UsageFault] = []
    for word in words:
        name, mark, number = word.rpartition("=")
        number = number.removesuffix("%")
        if not mark or not name or not (number.isascii() and number.isdigit() and int(number) <= MOST):
            faults.append(_fault(f"{word} is not NAME=WEIGHT with a weight from 0 to {MOST}", "write it as v2=10"))
        elif name in found:
            faults.append(_fault(f"{name} is given twice", "give each version once"))
        else:
            found[name] = int(number)
    if faults:
        raise UsageFault(*(problem for fault in faults for problem in fault.problems))
    return found


def after(before: Mapping[str, int], given: Mapping[str, int]) -> dict[str, int]:
    """The weights of all versions: those given as they are, the rest of 100 over the others as they stood to each other.

    Where every version is given the numbers are taken as written, relative to each other. Raises UsageFault.
    """
    unknown = [name for name in given if name not in before]
    if unknown:
        raise UsageFault(*(_unknown(name, before).problems[0] for name in unknown))
    others = {name: weight for name, weight in before.items() if name not in given}
    rest = 100 - sum(given.values())
    if others and rest < 0:
        raise _fault(
            f"the weights given make {100 - rest}, more than 100", f"give {', '.join(sorted(others))} a weight too"
        )
    shared = spread(rest, others) if others else {}
    result = {name: given[name] if name in given else shared[name] for name in before}
    if not any(result.values()):
        raise _fault("all weights are 0, and nobody would answer", "tidegate maint is for taking a service off the air")
    return result


def spread(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """`total` in whole numbers as `weights` stand to each other, equal where all are 0; the largest remainders round up."""
    base = dict(weights) if any(weights.values()) else dict.fromkeys(weights, 1)
    whole = sum(base.values())
    result = {name: total * weight // whole for name, weight in base.items()}
    by_remainder = sorted(base, key=lambda name: (-(total * base[name] % whole), name))
    for name in by_remainder[: total - sum(result.values())]:
        result[name] += 1
    return result


def shares(weights: Mapping[str, int]) -> dict[str, float]:
    """Percent of the traffic for each."""
    whole = sum(weights.values())
    return {name: 100.0 * weight / whole if whole else 0.0 for name, weight in weights.items()}


def _unknown(name: str, known: Mapping[str, int]) -> UsageFault:
    listed = ", ".join(sorted(known)) or "none"
    return _fault(f"there is no version {name} here", did_you_mean(name, known) or f"there are: {listed}")


def _fault(text: str, mend: str) -> UsageFault:
    return usage(text, mend, code="T1709")
