"""All states that a machine can reach, and a shortest way to the first that must not be."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

S = TypeVar("S", bound=Hashable)


@dataclass(frozen=True)
class Exploration:
    """What was found; *broken* is what does not hold at the end of *trace*, if anything."""

    states: int
    broken: object
    trace: tuple[str, ...]

    def __str__(self) -> str:
        if self.broken is None:
            return f"{self.states} states; nothing is violated"
        lines = [f"{number:3} {step}" for number, step in enumerate(self.trace, 1)]
        return "\n".join([f"{self.broken} is violated", *lines])


def explore(
    start: S,
    steps: Callable[[S], Iterable[tuple[str, S]]],
    violated: Callable[[S], Iterator[object]],
) -> Exploration:
    """Visit every reachable state, nearest first, until something is violated in one."""
    parents: dict[S, tuple[str, S] | None] = {start: None}
    level = [start]
    while level:
        following = []
        for state in level:
            broken = next(violated(state), None)
            if broken is not None:
                return Exploration(len(parents), broken, tuple(_trace(parents, state)))
            for label, after in steps(state):
                if after not in parents:
                    parents[after] = label, state
                    following.append(after)
        level = following
    return Exploration(len(parents), None, ())


def _trace(parents: dict[S, tuple[str, S] | None], end: S) -> list[str]:
    labels = []
    while (step := parents[end]) is not None:
        label, end = step
        labels.append(label)
    return labels[::-1]
