"""The hook of tests/peers/rust/src/lib.rs, which says what it does, in Python on the contract itself.

An `Err` that is raised is the error of the call; any other exception traps, and its text is lost. Each call is made
on a new `Lifecycle`, so what the hook remembers is kept beside it.
"""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.types import (
    Batch,
    BytesValues,
    Column,
    Emission,
    Field,
    Interest,
    Kind,
    Outcome,
    Placement,
    Reason,
    RowError,
    Setup,
    Values_Integer,
    Values_Json,
    Values_Text,
)

# Marks of what is read, and of what is written.
ABSENT, VALUE, NULL, OTHER = range(4)
LEAVE, SET, REMOVE, SET_NULL, MERGE = range(5)


def texts(values: BytesValues) -> list[str]:
    """The values of a column of texts or of JSON."""
    starts = [0, *values.ends]
    return [values.data[start:end].decode() for start, end in zip(starts, values.ends)]


def joined(rows: list[str]) -> BytesValues:
    """The same, the other way."""
    data, ends = bytearray(), []
    for row in rows:
        data += row.encode()
        ends.append(len(data))
    return BytesValues(bytes(data), ends)


class Written:
    """A column that is written: nothing, until a row is set."""

    def __init__(self, rows: int, nothing):
        self.values = [nothing] * rows
        self.marks = bytearray(rows)

    def set(self, row: int, mark: int, value=None):
        self.marks[row] = mark
        if value is not None:
            self.values[row] = value


def emission(events: list[str], after: list[int]) -> Emission:
    return Emission(joined(events), after)


class Memory:
    seen = 0
    # Ticks that are still to report.
    reports = 0


class Lifecycle(exports.Lifecycle):
    def init(self, setup: Setup) -> Interest:
        if setup.config != "{}":
            raise Err("[hook.config]: it has no options")
        try:
            Memory.seen = sum(int(state) for state in setup.states)
        except ValueError:
            raise Err("a saved state is not a number")
        return Interest(
            read=[Field("message", Kind.TEXT), Field("status", Kind.INTEGER), Field(".", Kind.JSON)],
            write=[
                Field("message", Kind.TEXT),
                Field("row", Kind.INTEGER),
                Field("password", Kind.TEXT),
                Field("meta", Kind.JSON),
            ],
            tick_ms=20,
            placement=Placement.EVERY_WORKER,
            extra=[],
        )

    def process(self, batch: Batch) -> Outcome:
        rows = batch.rows
        messages, statuses, wholes = (column.values.value for column in batch.columns)
        message_marks, status_marks, _ = (column.marks for column in batch.columns)
        keep = bytearray([1]) * rows
        text, row_numbers = Written(rows, ""), Written(rows, 0)
        password, meta = Written(rows, ""), Written(rows, "")
        emitted, after, errors = [], [], []
        for row, (message, whole) in enumerate(zip(texts(messages), texts(wholes))):
            if message == "error":
                raise Err("told to fail")
            if message == "trap":
                raise RuntimeError("told to trap")
            Memory.seen += 1
            status = statuses[row] if status_marks[row] == VALUE else None
            if status_marks[row] == OTHER:
                errors.append(RowError(row, "status is not an integer"))
                continue
            if status == 204:
                keep[row] = 0
                continue
            if status is not None:
                if message == "report":
                    Memory.reports = status
                row_numbers.set(row, SET, Memory.seen)
                if not 0 <= status < 500:
                    emitted.append(f'{{"alert":{status},"event":{whole}}}')
                    after.append(row)
            if message.startswith("!"):
                text.set(row, SET, message[1:])
            if message_marks[row] == VALUE:
                password.set(row, REMOVE)
            elif message_marks[row] == NULL:
                password.set(row, SET_NULL)
            elif message_marks[row] == ABSENT:
                meta.set(row, MERGE, f'{{"size":{len(whole.encode())}}}')
        writes = [
            Column(Values_Text(joined(text.values)), bytes(text.marks)),
            Column(Values_Integer(row_numbers.values), bytes(row_numbers.marks)),
            Column(Values_Text(joined(password.values)), bytes(password.marks)),
            Column(Values_Json(joined(meta.values)), bytes(meta.marks)),
        ]
        return Outcome(bytes(keep), writes, emission(emitted, after), errors)

    def tick(self, now_ns: int) -> Emission:
        if Memory.reports <= 0:
            return emission([], [])
        Memory.reports -= 1
        return emission([f'{{"tick":true,"seen":{Memory.seen}}}'], [])

    def save(self) -> bytes | None:
        return str(Memory.seen).encode() if Memory.seen > 0 else None

    def teardown(self, reason: Reason) -> Emission:
        return emission([f'{{"end":"{reason.name.lower()}","seen":{Memory.seen}}}'], [])
