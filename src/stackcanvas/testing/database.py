"""What every database must do, the same on each: subclass `DatabaseSuite` and give it the URL of an empty one.

class TestSqlite(DatabaseSuite):
    @pytest.fixture
    def database_url(self, tmp_path):
        return f"sqlite:///{tmp_path}/metadata.db"
"""

# ruff: noqa: PT012  (a transaction is a block of several statements)

from __future__ import annotations

import multiprocessing
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from sqlalchemy import Column, MetaData, Table, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from stackcanvas.backends.database import Database, OfMany, Ready, ascending, descending, open_database, types
from stackcanvas.errors import BadInput, Unavailable, Usage
from stackcanvas.testing.database_tables import (
    JOBS,
    KINDS,
    LINES,
    METADATA,
    count,
    count_up,
    hang_inside,
    replace,
    write_lines,
    write_pairs,
)
from stackcanvas.testing.database_values import ValuesSuite

_WRITERS = 8
_WAIT_S = 60


class DatabaseSuite(ValuesSuite):
    """The promises of `Database` and of its column types, each as a test."""

    @pytest.fixture
    def database_url(self) -> str:
        """To be overridden: the URL of an empty database."""
        raise NotImplementedError

    @pytest.fixture
    def open_one(self, database_url: str) -> Iterator[Callable[..., Database]]:
        """Opens the database; what is open at the end of the test is closed."""
        opened: list[Database] = []

        def open_it(**options: float) -> Database:
            opened.append(open_database(database_url, **options))
            return opened[-1]

        yield open_it
        for database in opened:
            database.close()

    @pytest.fixture
    def database(self, open_one: Callable[..., Database]) -> Database:
        """The database with the tables of this suite."""
        database = open_one()
        with database.write() as tx:
            METADATA.create_all(tx)
        return database

    def test_a_write_commits_at_its_end(self, database: Database) -> None:
        """Nothing is seen before the end of the block, everything after it."""
        with database.write() as tx:
            tx.execute(insert(KINDS), {"text": "one"})
            assert count(database, KINDS) == 0

        assert count(database, KINDS) == 1

    @pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
    def test_a_write_that_raises_leaves_nothing(self, database: Database, stop: type[BaseException]) -> None:
        """All of the block is undone, tables made in it too, and the next write goes on."""
        other = Table("other", MetaData(), Column("id", types.Integer, primary_key=True))
        with pytest.raises(stop), database.write() as tx:
            tx.execute(insert(KINDS), {"text": "one"})
            other.create(tx)
            raise stop

        with database.write() as tx:
            other.create(tx)
        assert count(database, KINDS) == 0

    def test_a_ready_statement_means_what_it_means_elsewhere(self, database: Database) -> None:
        """One row or many, values that stand in it, rows that come back, and how many were changed."""
        add = Ready(insert(KINDS).values(integer=7), ("text", "real", "json"))
        raised = update(KINDS).where(KINDS.c.text == bindparam("which")).values(integer=KINDS.c.integer + 1)
        number = Ready(raised.returning(KINDS.c.integer), ("which",))
        rows = [{"text": text, "real": float("nan"), "json": {"a": [1]}} for text in ("a", "it's 100%", "c")]
        with database.write() as tx:
            assert [add.run(tx, rows[:1]), add.run(tx, rows[1:])] == [1, 2]
            assert [number.first(tx, {"which": which}) for which in ("it's 100%", "none")] == [(8,), None]

        with database.read() as connection:
            found = connection.execute(select(KINDS.c.text, KINDS.c.integer, KINDS.c.json).order_by(KINDS.c.text)).all()
        assert [tuple(row) for row in found] == [
            (text, integer, {"a": [1]}) for text, integer in (("a", 7), ("c", 7), ("it's 100%", 8))
        ]

    def test_a_ready_statement_fails_in_words(self, database: Database) -> None:
        """Values that a column cannot keep, keys that are there, connections for reading: and nothing is left."""
        add = Ready(insert(JOBS), ("queue", "number", "state"))
        row = {"queue": "a", "number": 1, "state": "b"}
        with pytest.raises(BadInput, match="NUL"), database.write() as tx:
            add.run(tx, [row, {**row, "number": 2, "state": "\0"}])
        with pytest.raises(IntegrityError), database.write() as tx:
            add.run(tx, [row])
            add.run(tx, [{**row, "number": 2}, row])
        with pytest.raises(Usage, match="reading only"), database.read() as connection:
            add.run(connection, [row])

        assert count(database, JOBS) == 0

    def test_what_belongs_to_many_is_found_for_any_number(self, database: Database) -> None:
        """Ids with every kind of sign, none at all, and more than a statement may hold as values of its own."""
        names = ["a", "it's 100%", 'say "no"', "ä\\n", "[1]", "other"]
        of = OfMany(select(KINDS.c.text, KINDS.c.json).order_by(KINDS.c.text), KINDS.c.text)
        with database.write() as tx:
            database.bulk(tx, KINDS, [{"text": name, "json": {"name": name}} for name in names])

        with database.read() as connection:
            found = of.all(connection, [*names[:-1], *(f"none {number}" for number in range(300_000))])
            nothing = of.all(connection, [])
        assert (found, nothing) == ([(name, {"name": name}) for name in sorted(names[:-1])], [])

    def test_a_read_sees_one_moment(self, database: Database) -> None:
        """What is committed after the first look is not seen by the second, and does not wait for the read."""
        with database.read() as connection:
            before = connection.scalar(select(func.count()).select_from(KINDS))
            with database.write() as tx:
                tx.execute(insert(KINDS), {"text": "late"})
            after = connection.scalar(select(func.count()).select_from(KINDS))

        assert (before, after) == (0, 0)
        assert count(database, KINDS) == 1

    def test_a_read_cannot_write(self, database: Database) -> None:
        """Writing through a connection for reading is refused, and the connection's successor can write."""
        with pytest.raises(Usage, match="reading only"), database.read() as connection:
            connection.execute(insert(KINDS), {"text": "one"})

        replace(database, "text", ["two"])
        assert count(database, KINDS) == 1

    def test_a_second_write_in_a_thread_is_refused(self, database: Database) -> None:
        """It would wait for itself; the first goes on."""
        with database.write() as tx:
            tx.execute(insert(KINDS), {"text": "one"})
            with pytest.raises(Usage, match="open already"), database.write():
                pass

        assert count(database, KINDS) == 1

    def test_a_writer_waits_for_its_turn_and_no_longer(
        self, database: Database, open_one: Callable[..., Database]
    ) -> None:
        """Another writer is waited for `busy_s`, then the error says so; afterwards writing works."""
        impatient = open_one(busy_s=0.05)

        def write() -> None:
            with impatient.write() as tx:
                tx.execute(insert(KINDS), {"text": "mine"})

        with ThreadPoolExecutor(1) as pool:
            with database.write(), pytest.raises(Unavailable, match=r"more than 0\.05 s"):
                pool.submit(write).result()
            pool.submit(write).result()

        assert count(database, KINDS) == 1

    def test_a_write_that_is_not_durable_is_committed_too(self, database: Database) -> None:
        """Only a loss of power tells the difference; a durable write may follow on the same connection."""
        for durable in (False, True, False):
            with database.write(durable=durable) as tx:
                tx.execute(insert(KINDS), {"text": "one"})

        assert count(database, KINDS) == 3

    def test_constraints_hold(self, database: Database) -> None:
        """A double key, a missing value and a missing parent are errors of SQLAlchemy, in bulk too."""
        double = [{"number": 1, "half": 1}, {"number": 1, "half": 1}]
        orphan = [{"queue": "q", "number": 1, "state": "free", "kind": 99}]
        missing = [{"queue": "q", "number": 1, "state": None}]
        for table, rows in ((LINES, double), (JOBS, orphan), (JOBS, missing)):
            with pytest.raises(IntegrityError), database.write() as tx:
                tx.execute(insert(table), rows)
            with pytest.raises(IntegrityError), database.write() as tx:
                database.bulk(tx, table, rows)
            assert count(database, table) == 0

    def test_a_nested_part_may_fail(self, database: Database) -> None:
        """A savepoint takes back its part only."""
        with database.write() as tx:
            tx.execute(insert(LINES), {"number": 1, "half": 0})
            with pytest.raises(IntegrityError), tx.begin_nested():
                tx.execute(insert(LINES), {"number": 2, "half": 0})
                tx.execute(insert(LINES), {"number": 1, "half": 0})
            tx.execute(insert(LINES), {"number": 3, "half": 0})

        with database.read() as connection:
            assert connection.scalars(select(LINES.c.number).order_by(LINES.c.number)).all() == [1, 3]

    def test_insert_knows_conflicts(self, database: Database) -> None:
        """Insert or update, and insert or leave."""
        key = [LINES.c.number, LINES.c.half]
        statement = database.insert(LINES)
        with database.write() as tx:
            tx.execute(statement, {"number": 1, "half": 0, "writer": 1})
            tx.execute(statement.on_conflict_do_nothing(), {"number": 1, "half": 0, "writer": 2})
            kept = tx.scalar(select(LINES.c.writer))
            update = statement.on_conflict_do_update(
                index_elements=key, set_={"writer": statement.excluded.writer}, where=LINES.c.writer < 3
            )
            tx.execute(update, [{"number": 1, "half": 0, "writer": 3}, {"number": 1, "half": 0, "writer": 4}])
            changed = tx.scalar(select(LINES.c.writer))

        assert (kept, changed) == (1, 3)

    def test_a_script_is_part_of_the_transaction(self, database: Database) -> None:
        """Several statements, with signs that drivers take for values; a failure takes all of them back."""
        made = ["CREATE TABLE script (a TEXT DEFAULT '100%; :b %s')", "INSERT INTO script DEFAULT VALUES"]
        with pytest.raises(ZeroDivisionError), database.write() as tx:
            database.script(tx, made)
            raise ZeroDivisionError
        with database.write() as tx:
            database.script(tx, made)

        with database.read() as connection:
            assert connection.exec_driver_sql("SELECT a FROM script").scalars().all() == ["100%; :b %s"]

    def test_bulk_stores_many_rows(self, database: Database) -> None:
        """Many rows, none, and columns in another order than the table's."""
        rows = [{"half": number % 2, "number": number} for number in range(5_000)]
        with database.write() as tx:
            database.bulk(tx, LINES, [])
            database.bulk(tx, LINES, rows)

        with database.read() as connection:
            stored = connection.execute(select(LINES.c.half, LINES.c.number).order_by(LINES.c.number)).mappings().all()
        assert [dict(row) for row in stored] == rows

    @pytest.mark.parametrize("rows", [[{"nope": 1}], [{"text": "a"}, {}], [{"text": "a"}, {"text": "a", "real": 1.0}]])
    def test_bulk_refuses_rows_that_do_not_fit(self, database: Database, rows: list[Mapping[str, object]]) -> None:
        """An unknown column and rows of differing columns are refused before a row is kept."""
        with pytest.raises(BadInput), database.write() as tx:
            database.bulk(tx, KINDS, rows)

        assert count(database, KINDS) == 0

    def test_keys_number_themselves(self, database: Database) -> None:
        """An integer primary key that is left out counts up, and is given back."""
        with database.write() as tx:
            numbers = [tx.scalar(insert(KINDS).returning(KINDS.c.id), {"text": "a"}) for _ in range(3)]

        assert numbers == sorted(set(numbers))

    def test_claim_gives_the_first_free_rows_in_order(self, database: Database) -> None:
        """The rows come in the order asked for, with their new values, and are free no more."""
        rows = [{"queue": queue, "number": number, "state": "free"} for queue in "ab" for number in (2, 1, 3)]
        with database.write() as tx:
            tx.execute(insert(JOBS), rows)
            order = [descending(JOBS.c.number), ascending(JOBS.c.queue)]
            free = JOBS.c.state == "free"
            first = database.claim(tx, JOBS, where=free, order_by=order, values={"state": "mine"})
            more = database.claim(tx, JOBS, where=free, order_by=order, values={"state": "mine"}, limit=3)
            rest = database.claim(tx, JOBS, where=free, order_by=order, values={"state": "mine"}, limit=9)
            none = database.claim(tx, JOBS, where=free, order_by=order, values={"state": "mine"})

        assert [(row.queue, row.number, row.state) for row in first] == [("a", 3, "mine")]
        assert [(row.queue, row.number) for row in more] == [("b", 3), ("a", 2), ("b", 2)]
        assert [(row.queue, row.number) for row in rest] == [("a", 1), ("b", 1)]
        assert none == []

    def test_no_row_is_claimed_twice_and_none_is_passed_over(self, database: Database) -> None:
        """Eight workers empty a queue: each row goes to one of them, and none sees the queue empty too early."""
        with database.write() as tx:
            tx.execute(insert(JOBS), [{"queue": "q", "number": number, "state": "free"} for number in range(100)])

        def work(_: int) -> list[int]:
            mine: list[int] = []
            while True:
                with database.write(durable=False) as tx:
                    got = database.claim(
                        tx, JOBS, where=JOBS.c.state == "free", order_by=[JOBS.c.number], values={"state": "taken"}
                    )
                if not got:
                    return mine
                mine += [row.number for row in got]

        with ThreadPoolExecutor(_WRITERS) as pool:
            taken = list(pool.map(work, range(_WRITERS)))

        assert sorted(number for mine in taken for number in mine) == list(range(100))
        assert all(mine == sorted(mine) for mine in taken)

    def test_eight_processes_write_at_once(self, database_url: str) -> None:
        """On a database that none has opened before: nothing is lost, and "highest plus one" gives no number twice."""
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(_WRITERS, mp_context=context) as pool:
            list(pool.map(count_up, [database_url] * _WRITERS, range(_WRITERS), [25] * _WRITERS))

        database = open_database(database_url)
        with database.read() as connection:
            stored = connection.execute(select(LINES.c.number, LINES.c.writer).order_by(LINES.c.number)).all()
        database.close()
        assert [row.number for row in stored] == list(range(1, _WRITERS * 25 + 1))
        assert all(sum(row.writer == writer for row in stored) == 25 for writer in range(_WRITERS))

    def test_a_process_killed_inside_a_write_leaves_nothing(self, database: Database, database_url: str) -> None:
        """Its rows are not there, and the next writer does not wait for it."""
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        child = context.Process(target=hang_inside, args=(database_url, theirs))
        child.start()
        assert mine.poll(_WAIT_S)
        child.kill()
        child.join()

        with database.write() as tx:
            assert tx.scalar(select(func.count()).select_from(LINES)) == 0
            tx.execute(insert(LINES), {"number": 1, "half": 0})

    @pytest.mark.parametrize("seed", range(3))
    def test_a_process_killed_anywhere_leaves_whole_transactions(
        self, database: Database, database_url: str, seed: int
    ) -> None:
        """Every transaction is there in full or not at all, and what was answered is there."""
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        child = context.Process(target=write_pairs, args=(database_url, theirs))
        child.start()
        answered = 0
        for _ in range(random.Random(seed).randrange(1, 60)):  # noqa: S311
            assert mine.poll(_WAIT_S)
            answered = mine.recv()
        child.kill()
        child.join()

        with database.read() as connection:
            numbers = connection.scalars(select(LINES.c.number).order_by(LINES.c.number)).all()
        assert list(numbers) == [number for number in range(1, len(numbers) // 2 + 1) for _ in range(2)]
        assert len(numbers) // 2 >= answered

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_forked_child_has_connections_of_its_own(self, database: Database) -> None:
        """Parent and child write through the same object at once, also while the parent has a read open."""
        context = multiprocessing.get_context("fork")
        with database.read(), database.read():
            pass  # both connections are idle now: one will be in use at the fork, one not
        with database.read() as connection:
            assert connection.scalar(select(func.count()).select_from(LINES)) == 0
            child = context.Process(target=write_lines, args=(database, 1, 100))
            child.start()
            write_lines(database, 2, 100)
            child.join(_WAIT_S)
            assert child.exitcode == 0
            assert connection.scalar(select(func.count()).select_from(LINES)) == 0

        assert count(database, LINES) == 200

    def test_threads_share_one_object(self, database: Database) -> None:
        """Many threads read and write through it at once."""
        barrier = threading.Barrier(16)

        def work(writer: int) -> int:
            barrier.wait()
            for half in range(5):
                with database.write(durable=False) as tx:
                    tx.execute(insert(LINES), {"number": writer, "half": half})
                with database.read() as connection:
                    connection.scalar(select(func.count()).select_from(LINES))
            return writer

        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(work, range(16))) == list(range(16))

        assert count(database, LINES) == 80

    def test_a_closed_database_opens_again(self, database: Database) -> None:
        """Closing lets go of the connections and no more."""
        replace(database, "text", ["kept"])
        database.close()

        assert count(database, KINDS) == 1
