"""The first processes of a boot: what they find may be damaged, and nobody may serve it.

After a power cut a page may have lost its bytes, and the mark in the cache's folder is another boot's.
Each process that starts looks at the mark, and sweeps if need be, before it serves (`opening.open_cache`).
Several start at once, and each may die between two steps; later ones take their place.
"""

import enum
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.cache.exploring import Exploration, explore


@dataclass(frozen=True)
class Boot:
    """The precautions taken."""

    compare: bool = True  # the mark's boot with this one, and not only whether there is a mark
    sweep: bool = True
    sweep_before_mark: bool = True
    lock: bool = True
    look_again: bool = True  # at the mark, once the lock is there
    mark: bool = True


class Violation(enum.Enum):
    """What must not be."""

    SERVED = "what the power cut has damaged is served"
    FORGOTTEN = "a page of this boot is swept by a process that has just started"


class Process(NamedTuple):
    """A process, by what it does next."""

    next: str = "look"


class State(NamedTuple):
    """The folder, and those who use it."""

    is_damaged: bool  # a page of the last boot is published
    is_fresh: bool  # a page of this boot is
    is_swept_fresh: bool  # such a page was swept again
    mark: str  # old, new
    locked_by: int  # -1: nobody
    processes: tuple[Process, ...]
    deaths: int  # still to come


Step = tuple[str, State]


class BootModel:
    """The steps of *processes* processes that start at the same time, *deaths* of which die."""

    def __init__(self, boot: Boot, processes: int, deaths: int) -> None:
        self._boot = boot
        self._start = State(True, False, False, "old", -1, (Process(),) * processes, deaths)
        work = ["sweep"] if boot.sweep else []
        mark = ["mark"] if boot.mark else []
        ordered = work + mark if boot.sweep_before_mark else mark + work
        lock, unlock = (["lock"], ["unlock"]) if boot.lock else ([], [])
        again = ["look again"] if boot.lock and boot.look_again else []
        self._program = ["look", *lock, *again, *ordered, *unlock, "serve"]

    def initial(self) -> State:
        """Right after the power has come back."""
        return self._start

    def steps(self, state: State) -> Iterator[Step]:
        """All that can happen next."""
        for number, process in enumerate(state.processes):
            yield from getattr(self, f"_{process.next.replace(' ', '_')}")(state, number)
            if state.deaths:
                held = -1 if state.locked_by == number else state.locked_by
                after = self._at(state, number, "look")._replace(locked_by=held)
                label = f"process {number} dies, another takes its place"
                yield label, after._replace(deaths=state.deaths - 1)

    def _at(self, state: State, number: int, name: str) -> State:
        processes = list(state.processes)
        processes[number] = Process(name)
        return state._replace(processes=tuple(processes))

    def _after(self, state: State, number: int) -> State:
        place = self._program.index(state.processes[number].next)
        return self._at(state, number, self._program[place + 1])

    def _is_current(self, state: State) -> bool:
        return state.mark == "new" or not self._boot.compare

    def _look(self, state: State, number: int) -> Iterator[Step]:
        if self._is_current(state):
            yield f"process {number} finds the mark", self._at(state, number, "serve")
        else:
            yield f"process {number} finds no mark of this boot", self._after(state, number)

    def _lock(self, state: State, number: int) -> Iterator[Step]:
        if state.locked_by < 0:
            locked = state._replace(locked_by=number)
            yield f"process {number} has the lock", self._after(locked, number)

    def _look_again(self, state: State, number: int) -> Iterator[Step]:
        if self._is_current(state):
            yield f"process {number} finds the mark by now", self._at(state, number, "unlock")
        else:
            yield f"process {number} still finds no mark", self._after(state, number)

    def _sweep(self, state: State, number: int) -> Iterator[Step]:
        swept = state._replace(
            is_damaged=False, is_fresh=False, is_swept_fresh=state.is_swept_fresh or state.is_fresh
        )
        yield f"process {number} sweeps everything", self._after(swept, number)

    def _mark(self, state: State, number: int) -> Iterator[Step]:
        marked = state._replace(mark="new")
        yield f"process {number} writes the mark", self._after(marked, number)

    def _unlock(self, state: State, number: int) -> Iterator[Step]:
        yield f"process {number} unlocks", self._after(state._replace(locked_by=-1), number)

    def _serve(self, state: State, number: int) -> Iterator[Step]:
        """It serves what is there, and publishes."""
        yield f"process {number} publishes a page", state._replace(is_fresh=True)

    def violated(self, state: State) -> Iterator[Violation]:
        """What must not be."""
        if state.is_damaged and Process("serve") in state.processes:
            yield Violation.SERVED
        if state.is_swept_fresh:
            yield Violation.FORGOTTEN


def search_boot(boot: Boot, looked_for: Collection[Violation] = tuple(Violation)) -> Exploration:
    """Visit every reachable state, until one must not be: three processes at a time, two deaths."""
    model = BootModel(boot, processes=3, deaths=2)

    def violated(state: State) -> Iterator[Violation]:
        return (found for found in model.violated(state) if found in looked_for)

    return explore(model.initial(), model.steps, violated)
