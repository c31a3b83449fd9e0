"""Several keys in one transaction, as the product of as many models of one key.

A change places a hold on each of its keys and sweeps it, one key after the other; commits once for all;
and settles one key after the other. So each key sees the protocol of `tests.cache.protocol`, with pauses
in which the writer is at another key. What the keys share is stepped in all of them at once: the
transaction, the process that runs it and its death, the power. What is new, and may be left out, is what
the writer owes to the *later* keys when it is done with the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.cache.exploring import Exploration, explore
from tests.cache.protocol import (
    ABORTED,
    ABSENT,
    DEAD,
    DONE,
    IDLE,
    PROMISES,
    ROLLBACK,
    TODAY,
    Bounds,
    Database,
    Invariant,
    Model,
    State,
    Writer,
)

#: What happens to all keys at once.
_JOINT = frozenset({"begin", "commit", "outcome"})

States = tuple[State, ...]  # one of each key
Step = tuple[str, States]


@dataclass(frozen=True)
class Care:
    """What a writer does for every key, and not for the first alone."""

    hold: bool = True
    sweep: bool = True
    sweep_again: bool = True
    release: bool = True
    release_refused: bool = True  # the holds that were placed before one that could not be
    settle_after_failure: bool = True  # the keys behind one that could not be swept again


class KeysModel:
    """The steps of writers whose every change alters *keys* keys."""

    def __init__(self, care: Care, database: Database, bounds: Bounds, keys: int) -> None:
        self._care = care
        self._model = Model(TODAY, database, bounds)
        self._keys = keys

    def initial(self) -> States:
        """Nothing is published, nobody has begun."""
        return (self._model.initial(),) * self._keys

    def steps(self, states: States) -> Iterator[Step]:
        """All that can happen next."""
        for label, after in self._all_steps(states):
            # Which of a key's generators is which does not matter.
            sort = (s._replace(generators=tuple(sorted(s.generators))) for s in after)
            yield label, tuple(sort)

    def _all_steps(self, states: States) -> Iterator[Step]:
        for key, state in enumerate(states):
            for number in range(len(state.generators)):
                for label, after in self._model.generator_steps(state, number):
                    yield f"key {key}: {label}", _with(states, key, after)
        for number in range(len(states[0].writers)):
            yield from self._writer_steps(states, number)
            if self._model.postgresql:
                yield from _together(self._model._database_steps(s, number) for s in states)
        yield from self._accidents(states)

    # The writer

    def _writer_steps(self, states: States, number: int) -> Iterator[Step]:
        at = [state.writers[number].next for state in states]
        names = [self._model.program[next_] if next_ >= 0 else "" for next_ in at]
        for key, name in enumerate(names):
            if name and name not in _JOINT:
                yield from self._at_one_key(states, number, key, name)
                return
        if ROLLBACK in at:
            yield self._release_refused(states, number, at.index(ROLLBACK))
        elif all(names):
            yield from _together(
                self._model._writer_steps[name](state, number)
                for state, name in zip(states, names, strict=True)
            )

    def _at_one_key(self, states: States, number: int, key: int, name: str) -> Iterator[Step]:
        state = states[key]
        if key > 0 and not getattr(self._care, name.replace(" ", "_")):
            writer = state.writers[number]
            following = writer.next + 1 if writer.next + 1 < len(self._model.program) else DONE
            after = _with_writer(state, number, next=following)
            yield f"key {key}: writer {number} leaves out: {name}", _with(states, key, after)
            return
        for label, after in self._model._writer_steps[name](state, number):
            changed = _with(states, key, after)
            if after.writers[number].next == ROLLBACK:
                # The change is refused as a whole.
                fields = {"next": ROLLBACK, "transaction": ABORTED}
                changed = tuple(_with_writer(s, number, **fields) for s in changed)
            elif "can't sweep again" in label and not self._care.settle_after_failure:
                others = (_with_writer(s, number, next=DONE) for s in changed[key + 1 :])
                changed = (*changed[: key + 1], *others)
            yield f"key {key}: {label}", changed

    def _release_refused(self, states: States, number: int, key: int) -> Step:
        fields = {"next": DONE}
        if key == 0 or self._care.release_refused:
            fields["hold"] = ABSENT
        after = _with_writer(states[key], number, **fields)
        return f"key {key}: writer {number} is rolled back: releases", _with(states, key, after)

    # Accidents

    def _accidents(self, states: States) -> Iterator[Step]:
        faults, lost_holds, power_cuts = states[0].budget
        if faults:
            spent = tuple(s._replace(budget=(faults - 1, lost_holds, power_cuts)) for s in states)
            yield from self._deaths(spent)
        if power_cuts:
            budget = (faults, lost_holds, power_cuts - 1)
            spent = tuple(s._replace(budget=budget) for s in states)
            yield from _together(self._model._power_cut(state) for state in spent)

    def _deaths(self, states: States) -> Iterator[Step]:
        for key, state in enumerate(states):
            for number, generator in enumerate(state.generators):
                if generator.next != IDLE:
                    label, after = next(
                        (label, after)
                        for label, after in self._model._deaths(state)
                        if label == f"generator {number} dies"
                    )
                    yield f"key {key}: {label}", _with(states, key, after)
        for number in range(len(states[0].writers)):
            at = [state.writers[number].next for state in states]
            if any(next_ == ROLLBACK or next_ > 0 for next_ in at):
                dead = (self._model._without_process(state, number) for state in states)
                yield f"writer {number} dies", tuple(dead)

    # What must hold

    def violated(self, states: States) -> Iterator[Invariant]:
        """What does not hold of some key; of keys at rest once nobody is at work on any."""
        is_at_rest = all(self._model.is_at_rest(state) for state in states)
        for state in states:
            for invariant in self._model.violated(state):
                if invariant in PROMISES and (is_at_rest or invariant is not Invariant.ALIVE):
                    yield invariant


def search_keys(
    care: Care, database: Database, bounds: Bounds | None = None, keys: int = 2
) -> Exploration:
    """Visit every reachable state, until one breaks a promise."""
    model = KeysModel(care, database, bounds or Bounds(generators=1, writers=1, faults=1), keys)
    return explore(model.initial(), model.steps, model.violated)


def _with(states: States, key: int, after: State) -> States:
    """*states* after a step at *key*; what is left of the accidents is left for all."""
    return tuple(
        after if number == key else state._replace(budget=after.budget)
        for number, state in enumerate(states)
    )


def _with_writer(state: State, number: int, **fields: Any) -> State:
    writer: Writer = state.writers[number]._replace(**fields)
    if state.writers[number].next == DEAD:
        return state
    changed = (*state.writers[:number], writer, *state.writers[number + 1 :])
    return state._replace(writers=changed)


def _together(steps: Any) -> Iterator[Step]:
    """The same step in all keys at once; what can happen to a transaction is the same in each."""
    for step in zip(*steps, strict=True):
        labels = {label for label, _ in step}
        assert len(labels) == 1, labels
        yield labels.pop(), tuple(after for _, after in step)
