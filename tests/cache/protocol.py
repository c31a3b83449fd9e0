"""The cache's protocol as a state machine small enough to try every interleaving of it.

One key is enough: keys share nothing. What is modelled is what the protocol's argument rests on:
which folder is published under the key's path, which page is in it, which holds are visible and
whose lock is free, and what the database has committed. Each step is one system call or one action
of the database. Everything may stop between two steps, and any process may die there.

Actors:

- **generators** make pages, again and again: a generator that has ended begins anew, so that a few
  of them stand for any number of generations, of which so many run at once;
- **writers** change the page once each: version 0 becomes 1, then 2;
- the **database** ends a PostgreSQL transaction in its own time, after its process has died too;
- **accidents** (deaths, lost connections, refused system calls, lost holds, power cuts), as many as
  the `Bounds` allow.

A reader is no actor: what a reader could see is a property of every state. See `Invariant`.

A `Protocol` says which of its precautions are taken, so that the tests can leave out each of them
and see what breaks. `search` visits every reachable state, breadth first, and so finds a shortest
way to a violation; `Result.trace` tells it step by step.

Left out is what can only remove behaviours or what no reader could see: emptying the trash, the
litter of dead generations (their temps have names of their own), waiting for another's page, and
the two levels of a key's folder (one that vanishes between two calls of `mkdir` means a generation
without the cache, as one that vanishes before it is opened does here).
"""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Database(enum.Enum):
    """How a transaction relates to the process that runs it."""

    SQLITE = "sqlite"  # it is over when the process is; one writes at a time
    POSTGRESQL = "postgresql"  # it may outlive its process, and may still commit


class Invariant(enum.Enum):
    """What must hold in every state; the last two in every state of rest."""

    WHOLE = "a published page is complete"
    CURRENT = "a published page never shows less than what is committed"
    ACKNOWLEDGED = "a published page never shows less than what a writer has answered for (2007)"
    LASTING = "a page that is stale or incomplete does not stay once everybody has gone"
    ALIVE = "with nobody running, the next requests publish the current page"


#: What the design promises. The other two tell apart how badly a broken protocol fails.
PROMISES = frozenset({Invariant.WHOLE, Invariant.CURRENT, Invariant.ALIVE})


class Order(enum.Enum):
    """In which order a generator opens its folder, looks for holds and takes its snapshot."""

    FOLDER_LOOK_SNAPSHOT = ("folder", "look", "snapshot")
    FOLDER_SNAPSHOT_LOOK = ("folder", "snapshot", "look")
    LOOK_FOLDER_SNAPSHOT = ("look", "folder", "snapshot")
    LOOK_SNAPSHOT_FOLDER = ("look", "snapshot", "folder")
    SNAPSHOT_FOLDER_LOOK = ("snapshot", "folder", "look")
    SNAPSHOT_LOOK_FOLDER = ("snapshot", "look", "folder")


@dataclass(frozen=True)
class Protocol:
    """The precautions taken. Today's protocol takes all of them, which is the default."""

    # The generator.
    order: Order = Order.FOLDER_LOOK_SNAPSHOT
    own_temp_name: bool = True  # or one exclusive name for all
    complete_before_rename: bool = True
    rename_in_open_folder: bool = True  # or by two paths, looked up one after the other
    look_for_holds: bool = True
    drop_temp_on_hold: bool = True  # or go on, as if there were no hold
    # The writer.
    folder_per_key: bool = True  # or unlink the page (and the temp, if its name is known)
    hold: bool = True
    hold_before_commit: bool = True
    hold_before_sweep: bool = True
    hold_locked_before_visible: bool = True
    hold_kept_through_commit: bool = True
    hold_released_last: bool = True  # after the second sweep
    sweep_before_commit: bool = True
    sweep_after_commit: bool = True
    refuse_on_failure: bool = True  # no hold or no sweep: no commit
    abandon_hold_in_doubt: bool = True  # a COMMIT without an answer may yet commit
    # The recovery.
    recovery: bool = True
    recovery_waits_for_transaction: bool = True
    recovery_asks_for_visibility: bool = True  # or is content with the commit log's word
    recovery_sweeps: bool = True
    recovery_looks_again: bool = True  # at the hold's name, once it has the lock
    # The power cut.
    sweep_on_new_boot: bool = True
    holds_flushed: bool = True  # to the disk, before the commit


TODAY = Protocol()

#: Exclusive open, snapshot, rename; commit, unlink the temp, unlink the page.
LEGACY_2007 = Protocol(
    own_temp_name=False,
    rename_in_open_folder=False,
    look_for_holds=False,
    folder_per_key=False,
    hold=False,
    sweep_before_commit=False,
    recovery=False,
)


@dataclass(frozen=True)
class Bounds:
    """How many actors there are, and how many accidents may happen."""

    generators: int = 2
    writers: int = 2
    faults: int = 2  # deaths, lost connections and refused system calls, together
    lost_holds: int = 0
    power_cuts: int = 0


# What a generator does next. Only the first value has a meaning of its own: it isn't at work.
IDLE, MKDIR, OPEN, CREATE, LOOK, LOCK, ASK, SWEEP, RELEASE = range(9)
SNAPSHOT, WRITE_HALF, WRITE_ALL, RENAME, MOVE, DROP, RMDIR, FLOCK = range(9, 17)

_FIRST_STEP = {"folder": MKDIR, "look": LOOK, "snapshot": SNAPSHOT}
#: How much a temp holds by what its generator does next; otherwise nothing.
_WRITTEN = {WRITE_ALL: 1, RENAME: 2, MOVE: 2}
_HAS_LOCK = frozenset({ASK, SWEEP, RELEASE})
#: When a generator's *at* is a hold.
_AT_HOLD = _HAS_LOCK | {FLOCK}

# Where a writer is when it isn't at a step of its program.
DONE, DEAD, ROLLBACK = -1, -2, -3

# The state of a writer's transaction.
NO_TRANSACTION, IN_PROGRESS, SENT, LOGGED, COMMITTED, ABORTED = range(6)
_PENDING = frozenset({IN_PROGRESS, SENT, LOGGED})

# A hold: absent, visible with its lock free (or a recovery's), visible and locked by its writer.
ABSENT, UNLOCKED, LOCKED = range(3)

# What may be found under a file name. Contents are numbers from 0, see `_content`; the temp that
# generator n still writes is -1 - n.
NO_FOLDER, NOTHING = -100, -99

#: Folders: that at the key's path, any that is in the trash, and none.
AT_PATH, IN_TRASH, NOWHERE = 0, 1, -1


class Generator(NamedTuple):
    """One generator. The fields behind *next* mean nothing while it is idle."""

    next: int = IDLE
    folder: int = NOWHERE  # the one it has opened
    version: int = 0  # its snapshot
    seen: int = 0  # a bit for each hold that it has still to deal with
    at: int = NOWHERE  # the hold that it has locked, or the folder that a rename looked up first


class Writer(NamedTuple):
    """One writer, its transaction and its hold."""

    next: int = 0  # an index into the writer's program, or DONE, DEAD, ROLLBACK
    transaction: int = NO_TRANSACTION
    hold: int = ABSENT
    version: int = 0  # what it has committed


class State(NamedTuple):
    """Everything that a step can depend on."""

    page: int  # in the folder at the key's path
    temp: int  # there too, under the name that all share
    trash: tuple[int, ...]  # temps under that name in swept folders, which have the numbers from 1
    generators: tuple[Generator, ...]
    writers: tuple[Writer, ...]
    version: int  # committed, and seen by new snapshots
    acknowledged: int
    budget: tuple[int, int, int]  # what is left of faults, lost holds, power cuts


Step = tuple[str, State]
_IDLE = Generator()


def _content(version: int, written: int) -> int:
    """Content as a number; an empty file has no version."""
    return 3 * version + written if written else 0


@dataclass(frozen=True)
class Result:
    """What a search has found."""

    states: int
    at_rest: int
    published: frozenset[int]  # versions that were seen in complete, published pages
    broken: Invariant | None
    trace: tuple[str, ...]

    def __str__(self) -> str:
        """A summary, or the counterexample."""
        if self.broken is None:
            return f"{self.states} states, {self.at_rest} of them at rest; nothing is violated"
        lines = [f"{number:3} {step}" for number, step in enumerate(self.trace, 1)]
        return "\n".join([f"{self.broken.name} is violated: {self.broken.value}", *lines])


class Model:
    """The steps of one protocol over one kind of database."""

    def __init__(self, protocol: Protocol, database: Database, bounds: Bounds) -> None:
        self.protocol = protocol
        self.bounds = bounds
        self.postgresql = database is Database.POSTGRESQL
        self._all_idle = (_IDLE,) * bounds.generators
        self.program = _program(protocol, database)
        # Which swept folder it is matters only where names are shared or looked up anew.
        self._one_trash = protocol.own_temp_name and protocol.rename_in_open_folder
        phases = protocol.order.value
        following = [*(_FIRST_STEP[phase] for phase in phases[1:]), WRITE_HALF]
        self._after = dict(zip(phases, following, strict=True))
        self._first = _FIRST_STEP[phases[0]]
        self._generator_steps: dict[int, Callable[[State, int], Iterator[Step]]] = {
            MKDIR: self._mkdir,
            OPEN: self._open,
            CREATE: self._create,
            LOOK: self._look,
            LOCK: self._open_hold,
            FLOCK: self._lock,
            ASK: self._ask,
            SWEEP: self._sweep_to_recover,
            RELEASE: self._release_recovered,
            SNAPSHOT: self._snapshot,
            WRITE_HALF: self._write_half,
            WRITE_ALL: self._write_all,
            RENAME: self._rename,
            MOVE: self._move,
            DROP: self._drop,
            RMDIR: self._rmdir,
        }
        self._generator_steps[IDLE] = self._generator_steps[self._first]
        self._writer_steps: dict[str, Callable[[State, int], Iterator[Step]]] = {
            "begin": self._begin,
            "hold": self._place_hold,
            "lock": self._lock_hold,
            "sweep": self._sweep_before,
            "commit": self._commit,
            "outcome": self._outcome,
            "sweep again": self._sweep_again,
            "unlink temp": self._unlink_temp,
            "unlink page": self._unlink_page,
            "release": self._release,
        }

    # What happens.

    def initial(self) -> State:
        """Nothing is published, nobody has begun."""
        bounds = self.bounds
        return State(
            page=NO_FOLDER if self.protocol.folder_per_key else NOTHING,
            temp=NOTHING,
            trash=(),
            generators=self._all_idle,
            writers=(Writer(),) * bounds.writers,
            version=0,
            acknowledged=0,
            budget=(bounds.faults, bounds.lost_holds, bounds.power_cuts),
        )

    def steps(self, state: State) -> Iterator[Step]:
        """All that can happen next, each with the state after it."""
        for number in range(len(state.generators)):
            yield from self.generator_steps(state, number)
        for number, writer in enumerate(state.writers):
            if writer.next >= 0:
                yield from self._writer_steps[self.program[writer.next]](state, number)
            elif writer.next == ROLLBACK:
                yield self._end(state, number, "rolled back: releases", hold=ABSENT)
            if self.postgresql:
                yield from self._database_steps(state, number)
        if any(state.budget):
            yield from self._accidents(state)

    def generator_steps(self, state: State, number: int) -> Iterator[Step]:
        """What this generator can do next."""
        return self._generator_steps[state.generators[number].next](state, number)

    # The generator.

    def _go(self, state: State, number: int, label: str, /, **fields: int) -> Step:
        """The generator has done *label*; *fields* of it change."""
        changed = _with_generator(state, number, state.generators[number]._replace(**fields))
        return f"generator {number} {label}", changed

    def _finish(self, state: State, number: int, label: str) -> Step:
        """The generator is through, and its files are closed."""
        return f"generator {number} {label}", _close(state, number)

    def _mkdir(self, state: State, number: int) -> Iterator[Step]:
        if state.page == NO_FOLDER:
            state = state._replace(page=NOTHING)
        yield self._go(state, number, "makes the folder", next=OPEN)

    def _open(self, state: State, number: int) -> Iterator[Step]:
        if state.page == NO_FOLDER:
            yield self._finish(state, number, "finds no folder to open, serves without the cache")
        else:
            yield self._go(state, number, "opens the folder", next=CREATE, folder=AT_PATH)

    def _create(self, state: State, number: int) -> Iterator[Step]:
        folder = state.generators[number].folder
        if not self.protocol.own_temp_name:
            if _shared_temp(state, folder) != NOTHING:
                yield self._finish(state, number, "finds another's temp, serves without the cache")
                return
            state = _with_shared_temp(state, folder, -1 - number)
        yield self._go(state, number, "creates its temp", next=self._after["folder"])

    def _look(self, state: State, number: int) -> Iterator[Step]:
        after = self._after["look"]
        seen = 0
        if self.protocol.look_for_holds:
            seen = sum(1 << i for i, writer in enumerate(state.writers) if writer.hold)
        if not seen:
            yield self._go(state, number, "sees no hold", next=after)
        elif self.protocol.recovery:
            yield self._go(state, number, "sees a hold", next=LOCK, seen=seen)
        else:
            yield self._go(state, number, "sees a hold", next=self._on_hold)

    @property
    def _on_hold(self) -> int:
        return DROP if self.protocol.drop_temp_on_hold else self._after["look"]

    def _open_hold(self, state: State, number: int) -> Iterator[Step]:
        """Open one of the holds that were seen, whichever."""
        seen = state.generators[number].seen
        for i, writer in enumerate(state.writers):
            if not seen & (1 << i):
                continue
            if writer.hold == ABSENT:
                yield from self._dealt_with(state, number, i, f"finds hold {i} gone")
            else:
                yield self._go(state, number, f"opens hold {i}", next=FLOCK, at=i)

    def _lock(self, state: State, number: int) -> Iterator[Step]:
        """Try the lock of the hold that is open: of a file that may have lost its name by now."""
        i = state.generators[number].at
        hold = state.writers[i].hold
        if hold == LOCKED or _in_recovery(state, i):
            label = f"finds hold {i} locked"
            yield self._go(state, number, label, next=self._on_hold, seen=0, at=NOWHERE)
        elif hold == ABSENT and self.protocol.recovery_looks_again:
            yield from self._dealt_with(state, number, i, f"locks hold {i}, which is gone")
        else:
            yield self._go(state, number, f"locks hold {i} of the dead", next=ASK)

    def _dealt_with(self, state: State, number: int, hold: int, label: str) -> Iterator[Step]:
        """One hold less. After the last one the generator may go on, or drop its temp."""
        seen = state.generators[number].seen & ~(1 << hold)
        if seen:
            yield self._go(state, number, label, next=LOCK, seen=seen, at=NOWHERE)
            return
        for label_, following in ((" and goes on", self._after["look"]), ("", DROP)):
            yield self._go(state, number, label + label_, next=following, seen=0, at=NOWHERE)

    def _ask(self, state: State, number: int) -> Iterator[Step]:
        """Ask whether the hold's transaction is over. SQLite's is: the lock was free."""
        generator = state.generators[number]
        if self._is_over(state.writers[generator.at].transaction):
            following = SWEEP if self.protocol.recovery_sweeps else RELEASE
            yield self._go(state, number, "learns that its transaction is over", next=following)
        else:
            label = "learns that its transaction is in progress"
            yield self._go(state, number, label, next=self._on_hold, seen=0, at=NOWHERE)

    def _is_over(self, transaction: int) -> bool:
        if not self.postgresql or not self.protocol.recovery_waits_for_transaction:
            return True
        if transaction == LOGGED:
            return not self.protocol.recovery_asks_for_visibility
        return transaction not in _PENDING

    def _sweep_to_recover(self, state: State, number: int) -> Iterator[Step]:
        yield self._go(self._swept(state), number, "sweeps to recover", next=RELEASE)

    def _release_recovered(self, state: State, number: int) -> Iterator[Step]:
        hold = state.generators[number].at
        if state.writers[hold].hold == ABSENT:
            label = f"can't release hold {hold}, which is gone"
            yield self._go(state, number, label, next=self._on_hold, seen=0, at=NOWHERE)
            return
        state = _with_writer(state, hold, state.writers[hold]._replace(hold=ABSENT))
        yield from self._dealt_with(state, number, hold, f"releases hold {hold} of the dead")

    def _snapshot(self, state: State, number: int) -> Iterator[Step]:
        label = f"takes its snapshot: version {state.version}"
        yield self._go(state, number, label, next=self._after["snapshot"], version=state.version)

    def _write_half(self, state: State, number: int) -> Iterator[Step]:
        following = WRITE_ALL if self.protocol.complete_before_rename else RENAME
        yield self._go(state, number, "writes half of its temp", next=following)
        yield self._go(state, number, "has no page to write", next=DROP)

    def _write_all(self, state: State, number: int) -> Iterator[Step]:
        yield self._go(state, number, "writes the rest of its temp", next=RENAME)

    def _rename(self, state: State, number: int) -> Iterator[Step]:
        """Rename within the open folder, which is one step, or look up the first of two paths."""
        generator = state.generators[number]
        if self.protocol.rename_in_open_folder:
            yield self._publish(state, number, generator.folder, generator.folder)
        elif state.page == NO_FOLDER:
            yield self._go(state, number, "finds no folder to rename in", next=DROP)
        else:
            yield self._go(state, number, "looks up its temp's path", next=MOVE, at=AT_PATH)

    def _move(self, state: State, number: int) -> Iterator[Step]:
        """Look up the second path, and rename."""
        if state.page == NO_FOLDER:
            yield self._go(state, number, "finds no folder to rename into", next=DROP, at=NOWHERE)
        else:
            yield self._publish(state, number, state.generators[number].at, AT_PATH)

    def _publish(self, state: State, number: int, source: int, target: int) -> Step:
        generator = state.generators[number]
        if self.protocol.own_temp_name:
            written = 2 if self.protocol.complete_before_rename else 1
            found = _content(generator.version, written)
            if source != generator.folder:
                return self._finish(state, number, "finds nothing to rename")
        else:
            found = _shared_temp(state, source)
            if found == NOTHING:
                return self._finish(state, number, "finds nothing to rename")
            state = _with_shared_temp(state, source, NOTHING)
        if target != AT_PATH:
            return self._finish(state, number, "renames within a swept folder")
        return self._finish(state._replace(page=found), number, "publishes")

    def _drop(self, state: State, number: int) -> Iterator[Step]:
        folder = state.generators[number].folder
        if not self.protocol.own_temp_name and folder != NOWHERE:
            state = _with_shared_temp(state, folder, NOTHING)
        if self.protocol.folder_per_key and folder != NOWHERE:
            yield self._go(state, number, "removes its temp", next=RMDIR)
        else:
            yield self._finish(state, number, "removes its temp")

    def _rmdir(self, state: State, number: int) -> Iterator[Step]:
        """Remove the key's folder if nothing is in it. A path says which: it may be another's."""
        full = state.page != NOTHING or state.temp != NOTHING or _has_temps(state)
        if not full:
            state = self._swept(state)
        label = "leaves the folder" if full else "removes the empty folder"
        yield self._finish(state, number, label)

    # The writer.

    def _write(self, state: State, number: int, label: str, /, **fields: int) -> Step:
        """The writer has done *label* and goes on, where *fields* don't send it elsewhere."""
        writer = state.writers[number]
        following = writer.next + 1
        if following == len(self.program):
            following = DONE
        changed = writer._replace(**{"next": following, **fields})
        state = _with_writer(state, number, changed)
        if changed.next == DONE and changed.version > state.acknowledged:
            state = state._replace(acknowledged=changed.version)
        return f"writer {number} {label}", state

    def _end(self, state: State, number: int, label: str, /, hold: int) -> Step:
        """The writer has ended without a commit that it could answer for."""
        changed = state.writers[number]._replace(next=DONE, hold=hold)
        return f"writer {number} {label}", _with_writer(state, number, changed)

    def _roll_back(self, state: State, number: int, label: str) -> Step:
        """The writer's transaction is aborted; what is left to do is to release."""
        return self._write(state, number, label, next=ROLLBACK, transaction=ABORTED)

    def _begin(self, state: State, number: int) -> Iterator[Step]:
        """Begin to write. SQLite lets one do so at a time."""
        busy = any(writer.transaction == IN_PROGRESS for writer in state.writers)
        if self.postgresql or not busy:
            yield self._write(state, number, "begins to write", transaction=IN_PROGRESS)

    def _place_hold(self, state: State, number: int) -> Iterator[Step]:
        hold = LOCKED if self.protocol.hold_locked_before_visible else UNLOCKED
        yield self._write(state, number, "places its hold", hold=hold)
        yield from self._refused(state, number, "can't place its hold")

    def _refused(self, state: State, number: int, label: str) -> Iterator[Step]:
        """A system call before the commit fails, and so the change is refused."""
        spent = _spend_fault(state)
        if not spent:
            return
        if self.protocol.refuse_on_failure and state.writers[number].transaction == IN_PROGRESS:
            yield self._roll_back(spent, number, label)
        else:
            yield self._write(spent, number, label)

    def _lock_hold(self, state: State, number: int) -> Iterator[Step]:
        if _in_recovery(state, number):
            return  # it waits
        hold = LOCKED if state.writers[number].hold else ABSENT
        yield self._write(state, number, "locks its hold", hold=hold)

    def _sweep_before(self, state: State, number: int) -> Iterator[Step]:
        yield self._write(self._swept(state), number, "sweeps")
        yield from self._refused(state, number, "can't sweep")

    def _sweep_again(self, state: State, number: int) -> Iterator[Step]:
        yield self._write(self._swept(state), number, "sweeps again")
        if spent := _spend_fault(state):
            hold = UNLOCKED if state.writers[number].hold else ABSENT
            label = "can't sweep again, leaves what is left to a recovery"
            yield self._write(spent, number, label, next=DONE, hold=hold)

    def _unlink_temp(self, state: State, number: int) -> Iterator[Step]:
        yield self._write(state._replace(temp=NOTHING), number, "unlinks the temp")

    def _unlink_page(self, state: State, number: int) -> Iterator[Step]:
        yield self._write(state._replace(page=NOTHING), number, "unlinks the page")

    def _commit(self, state: State, number: int) -> Iterator[Step]:
        yield self._roll_back(state, number, "rolls back")
        if self.postgresql:
            yield self._write(state, number, "sends COMMIT", transaction=SENT)
            return
        version = state.version + 1
        label, state = self._write(
            state, number, f"commits version {version}", transaction=COMMITTED, version=version
        )
        yield label, state._replace(version=version)

    def _outcome(self, state: State, number: int) -> Iterator[Step]:
        """Learn what became of the COMMIT, or lose the connection and never learn it."""
        transaction = state.writers[number].transaction
        if transaction == COMMITTED:
            yield self._write(state, number, "learns that it has committed")
        elif transaction == ABORTED:
            yield self._roll_back(state, number, "learns that it was aborted")
        if spent := _spend_fault(state):
            label = "loses its connection, takes that for an abort and releases"
            if self.protocol.abandon_hold_in_doubt:
                label = "loses its connection and leaves its hold to a recovery"
            keeps = self.protocol.abandon_hold_in_doubt and state.writers[number].hold
            yield self._end(spent, number, label, hold=UNLOCKED if keeps else ABSENT)

    def _release(self, state: State, number: int) -> Iterator[Step]:
        yield self._write(state, number, "releases its hold", hold=ABSENT)

    def _swept(self, state: State) -> State:
        """The key without its page: one rename of its folder, or an unlink of the page."""
        if not self.protocol.folder_per_key:
            return state._replace(page=NOTHING)
        if state.page == NO_FOLDER:
            return state
        number, trash = IN_TRASH, state.trash
        if not self._one_trash:
            trash = (*trash, state.temp)
            number = len(trash)
        generators = tuple(_moved(generator, number) for generator in state.generators)
        return state._replace(page=NO_FOLDER, temp=NOTHING, trash=trash, generators=generators)

    # The database.

    def _database_steps(self, state: State, number: int) -> Iterator[Step]:
        """A COMMIT is logged, then seen by new snapshots, or it fails. A dead client's ends."""
        writer = state.writers[number]
        name = f"database: the transaction of writer {number}"
        if writer.transaction == SENT:
            changed = writer._replace(transaction=LOGGED)
            yield f"{name} is logged as committed", _with_writer(state, number, changed)
        if writer.transaction == LOGGED:
            version = state.version + 1
            changed = writer._replace(transaction=COMMITTED, version=version)
            state = _with_writer(state._replace(version=version), number, changed)
            yield f"{name} is committed: version {version}", state
        abandoned = writer.next == DEAD and writer.transaction == IN_PROGRESS
        if abandoned or writer.transaction == SENT:
            changed = writer._replace(transaction=ABORTED)
            yield f"{name} is aborted", _with_writer(state, number, changed)

    # Accidents.

    def _accidents(self, state: State) -> Iterator[Step]:
        faults, lost_holds, power_cuts = state.budget
        if spent := _spend_fault(state):
            yield from self._deaths(spent)
        if lost_holds:
            after = state._replace(budget=(faults, lost_holds - 1, power_cuts))
            yield from self._lost_holds(after)
        if power_cuts:
            after = state._replace(budget=(faults, lost_holds, power_cuts - 1))
            yield from self._power_cut(after)

    def _deaths(self, state: State) -> Iterator[Step]:
        for number, generator in enumerate(state.generators):
            if generator.next != IDLE:
                yield f"generator {number} dies", _close(state, number)
        for number, writer in enumerate(state.writers):
            if writer.next == ROLLBACK or writer.next > 0:
                yield f"writer {number} dies", self._without_process(state, number)

    def _without_process(self, state: State, number: int) -> State:
        """A process's locks are free when it is dead, and its SQLite transaction is over."""
        writer = state.writers[number]
        transaction = writer.transaction
        if transaction == IN_PROGRESS and not self.postgresql:
            transaction = ABORTED
        hold = UNLOCKED if writer.hold else ABSENT
        writer = writer._replace(next=DEAD, transaction=transaction, hold=hold)
        return _with_writer(state, number, writer)

    def _lost_holds(self, state: State) -> Iterator[Step]:
        for number, writer in enumerate(state.writers):
            if writer.hold:
                changed = writer._replace(hold=ABSENT)
                yield f"the hold of writer {number} is lost", _with_writer(state, number, changed)

    def _power_cut(self, state: State) -> Iterator[Step]:
        """Every process dies, a page may lose its bytes, a hold that was not flushed may be lost.

        The database is another machine: PostgreSQL does not notice. The first process of the next
        boot sweeps before anything is served, so that no state lies between the two.
        """
        for number in range(len(state.generators)):
            state = _close(state, number)
        for number, writer in enumerate(state.writers):
            if writer.next == ROLLBACK or writer.next > 0:
                state = self._without_process(state, number)
        swept = self._swept(state)
        if not self.protocol.sweep_on_new_boot:
            swept = state._replace(page=0) if state.page >= 0 else state
        yield "the power is cut", swept
        if not self.protocol.holds_flushed:
            lost = tuple(writer._replace(hold=ABSENT) for writer in swept.writers)
            yield "the power is cut, the holds are lost", swept._replace(writers=lost)

    # What must hold.

    def is_at_rest(self, state: State) -> bool:
        """Whether nobody is at work and no transaction is pending."""
        return state.generators == self._all_idle and all(
            writer.next in (0, DONE, DEAD) and writer.transaction not in _PENDING
            for writer in state.writers
        )

    def published(self, state: State) -> tuple[int, int]:
        """Version of the published page (-1: there is none) and how much of it is written."""
        content = state.page
        if content in (NO_FOLDER, NOTHING):
            return -1, 2
        if content < 0:
            writing = state.generators[-1 - content]
            content = _content(writing.version, _WRITTEN.get(writing.next, 0))
        return divmod(content, 3)

    def violated(self, state: State) -> Iterator[Invariant]:
        """The invariants that do not hold in *state*."""
        at_rest = self.is_at_rest(state)
        version, written = self.published(state)
        if version >= 0:
            stale = written > 0 and version < state.version
            if written < 2:
                yield Invariant.WHOLE
            if stale:
                yield Invariant.CURRENT
                if version < state.acknowledged:
                    yield Invariant.ACKNOWLEDGED
            if at_rest and (stale or written < 2):
                yield Invariant.LASTING
        if at_rest and not self._is_alive(state):
            yield Invariant.ALIVE

    def _is_alive(self, state: State) -> bool:
        """Whether requests one after the other publish the current page.

        The first one should; each hold of the dead may cost one more.
        """
        attempts = 1 + sum(1 for writer in state.writers if writer.hold)
        current = _content(state.version, 2)
        missing = {state}
        for _ in range(attempts):
            after = {end for begin in missing for end in self._runs_alone(begin)}
            missing = {end for end in after if end.page != current}
        return not missing

    def _runs_alone(self, state: State) -> Iterator[State]:
        """The ends of one generation that nothing disturbs, and that has a page to write."""
        running = [state]
        while running:
            for label, after in self.generator_steps(running.pop(), 0):
                if after.generators[0].next == IDLE:
                    yield after
                elif "no page" not in label:
                    running.append(after)

    # Symmetry.

    def canonical(self, state: State) -> State:
        """One state for all that differ only in which generator or which writer is which."""
        generators, writers = state.generators, state.writers
        if len(writers) == 2 and writers[1] < writers[0]:
            writers = (writers[1], writers[0])
            generators = tuple([_with_writers_swapped(generator) for generator in generators])
        if self._one_trash:
            page, temp, trash, _, _, version, acknowledged, budget = state
            generators = tuple(sorted(generators))
            return State(page, temp, trash, generators, writers, version, acknowledged, budget)
        return _renumbered(state._replace(writers=writers), generators)


def _program(protocol: Protocol, database: Database) -> tuple[str, ...]:
    """The steps of a writer, in order."""
    hold = ["hold"] if protocol.hold else []
    if protocol.hold and not protocol.hold_locked_before_visible:
        hold.append("lock")
    release = ["release"] if protocol.hold else []
    sweep = ["sweep"] if protocol.sweep_before_commit else []
    commit = ["commit", "outcome"] if database is Database.POSTGRESQL else ["commit"]
    again = ["sweep again"] if protocol.sweep_after_commit else []
    if again and not protocol.folder_per_key:
        again = ["unlink page"] if protocol.own_temp_name else ["unlink temp", "unlink page"]
    before = [*hold, *sweep] if protocol.hold_before_sweep else [*sweep, *hold]
    if not protocol.hold_before_commit:
        return ("begin", *sweep, *commit, *hold, *again, *release)
    if not protocol.hold_kept_through_commit:
        return ("begin", *before, *release, *commit, *again)
    after = [*again, *release] if protocol.hold_released_last else [*release, *again]
    return ("begin", *before, *commit, *after)


def _with_generator(state: State, number: int, generator: Generator) -> State:
    page, temp, trash, generators, writers, version, acknowledged, budget = state
    changed = (*generators[:number], generator, *generators[number + 1 :])
    return State(page, temp, trash, changed, writers, version, acknowledged, budget)


def _with_writer(state: State, number: int, writer: Writer) -> State:
    page, temp, trash, generators, writers, version, acknowledged, budget = state
    changed = (*writers[:number], writer, *writers[number + 1 :])
    return State(page, temp, trash, generators, changed, version, acknowledged, budget)


def _spend_fault(state: State) -> State | None:
    """The state with one fault less to come, if there may be another."""
    faults, lost_holds, power_cuts = state.budget
    return state._replace(budget=(faults - 1, lost_holds, power_cuts)) if faults else None


def _in_recovery(state: State, hold: int) -> bool:
    """Whether a generator has the lock of this hold."""
    return any(
        generator.at == hold and generator.next in _HAS_LOCK for generator in state.generators
    )


def _has_temps(state: State) -> bool:
    """Whether a generator has a temp of its own in the folder at the key's path."""
    return any(
        generator.folder == AT_PATH and generator.next not in (CREATE, RMDIR)
        for generator in state.generators
    )


def _moved(generator: Generator, folder: int) -> Generator:
    """The generator after the folder at the key's path has become *folder*, in the trash."""
    looked_up = generator.next == MOVE and generator.at == AT_PATH
    if generator.folder != AT_PATH and not looked_up:
        return generator
    return generator._replace(
        folder=folder if generator.folder == AT_PATH else generator.folder,
        at=folder if looked_up else generator.at,
    )


def _shared_temp(state: State, folder: int) -> int:
    return state.temp if folder == AT_PATH else state.trash[folder - 1]


def _with_shared_temp(state: State, folder: int, temp: int) -> State:
    if folder == AT_PATH:
        return state._replace(temp=temp)
    trash = state.trash
    return state._replace(trash=(*trash[: folder - 1], temp, *trash[folder:]))


def _close(state: State, number: int) -> State:
    """The generator is idle; what it was writing, wherever that is now, stays as it is."""
    generator = state.generators[number]
    writing = -1 - number
    if writing in (state.page, state.temp, *state.trash):
        content = _content(generator.version, _WRITTEN.get(generator.next, 0))
        page, temp, *trash = (
            content if found == writing else found
            for found in (state.page, state.temp, *state.trash)
        )
        state = state._replace(page=page, temp=temp, trash=tuple(trash))
    return _with_generator(state, number, _IDLE)


def _with_writers_swapped(generator: Generator) -> Generator:
    seen, at = generator.seen, generator.at
    if not seen:
        return generator
    if generator.next in _AT_HOLD:
        at = 1 - at
    return generator._replace(seen=(seen >> 1) | (seen & 1) << 1, at=at)


def _renumbered(state: State, generators: tuple[Generator, ...]) -> State:
    """Sort the generators and number the swept folders in the order in which they are known.

    A swept folder that no generator knows is forgotten.
    """
    order = sorted(range(len(generators)), key=generators.__getitem__)
    writing = {-1 - old: -1 - new for new, old in enumerate(order)}
    folders: dict[int, int] = {NOWHERE: NOWHERE, AT_PATH: AT_PATH}
    renumbered = []
    for old in order:
        generator = generators[old]
        folder = folders.setdefault(generator.folder, len(folders) - 1)
        at = generator.at
        if generator.next == MOVE:
            at = folders.setdefault(at, len(folders) - 1)
        renumbered.append(generator._replace(folder=folder, at=at))
    known = list(folders)[2:]
    return state._replace(
        page=writing.get(state.page, state.page),
        temp=writing.get(state.temp, state.temp),
        trash=tuple(writing.get(temp, temp) for temp in (state.trash[old - 1] for old in known)),
        generators=tuple(renumbered),
    )


def search(
    protocol: Protocol,
    database: Database,
    bounds: Bounds | None = None,
    invariants: frozenset[Invariant] = PROMISES,
) -> Result:
    """Visit every reachable state, nearest first, until one violates one of *invariants*."""
    model = Model(protocol, database, bounds or Bounds())
    start = model.canonical(model.initial())
    parents: dict[State, State | None] = {start: None}
    level = [start]
    published = set()
    at_rest = 0
    while level:
        following = []
        for state in level:
            at_rest += model.is_at_rest(state)
            published.add(model.published(state))
            for broken in model.violated(state):
                if broken in invariants:
                    trace = tuple(_trace(model, parents, state))
                    return _result(parents, at_rest, published, broken, trace)
            for _, after in model.steps(state):
                known = model.canonical(after)
                if known not in parents:
                    parents[known] = state
                    following.append(known)
        level = following
    return _result(parents, at_rest, published, None, ())


def _result(
    parents: dict[State, State | None],
    at_rest: int,
    published: set[tuple[int, int]],
    broken: Invariant | None,
    trace: tuple[str, ...],
) -> Result:
    complete = frozenset(version for version, written in published if version >= 0 and written == 2)
    return Result(len(parents), at_rest, complete, broken, trace)


def _trace(model: Model, parents: dict[State, State | None], end: State) -> Iterator[str]:
    """The steps to *end*, told of the same actors throughout.

    The states on the way are canonical, which mixes up the actors: so the way is walked again.
    """
    way: list[State] = []
    state: State | None = end
    while state is not None:
        way.append(state)
        state = parents[state]
    way.reverse()
    here = model.initial()
    for goal in way[1:]:
        label, here = next(
            (label, after) for label, after in model.steps(here) if model.canonical(after) == goal
        )
        yield label
