"""Workspaces of every age are opened, migrated or refused, and never left half way."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, MetaData, Table, inspect, text

from stackcanvas.backends.database import Database, open_database, types
from stackcanvas.errors import Conflict, Corrupt, Refused, Unavailable
from stackcanvas.metadata.migrate import History, Written, migrate, prepare, written
from stackcanvas.metadata.migrations.draft import draft

_BREAKS = """
revision = "0003"
down_revision = "0002"


def upgrade():
    from alembic import op
    op.execute("delete from pet")
    op.drop_table("pet")
    {end}
"""

_CHILD = """
import sys
from pathlib import Path
from sqlalchemy import Column, MetaData, Table, text
from stackcanvas.backends.database import open_database, types
from stackcanvas.metadata.migrate import History, migrate, prepare

def load():
    schema = MetaData()
    Table("owner", schema, Column("name", types.Text, primary_key=True), Column("street", types.Text))
    Table("pet", schema, Column("name", types.Text, primary_key=True), Column("owner", types.Text))
    return schema

verb, url, folder = sys.argv[1:]
database = open_database(url)
if verb == "open":
    prepare(database, load, history=History(Path(folder)))
else:
    migrate(database, history=History(Path(folder)))
with database.read() as connection:
    print(connection.execute(text("select version_num from stackcanvas_version")).scalar_one())
database.close()
"""


def _first() -> MetaData:
    schema = MetaData()
    Table("owner", schema, Column("name", types.Text, primary_key=True), Column("street", types.Text))
    Table(
        "pet",
        schema,
        Column("name", types.Text, primary_key=True),
        Column("owner", types.Text, ForeignKey("owner.name", name="fk_pet_owner", ondelete="CASCADE"), nullable=False),
    )
    return schema


def _second() -> MetaData:
    """The parent loses a column, which SQLite can only do by building the table anew."""
    schema = MetaData()
    Table("owner", schema, Column("name", types.Text, primary_key=True), Column("town", types.Text))
    _first().tables["pet"].to_metadata(schema)
    return schema


@pytest.fixture
def old(tmp_path: Path) -> History:
    """A history of one migration."""
    history = History(tmp_path / "old")
    (history.folder / "versions").mkdir(parents=True)
    draft(_first(), "owners and pets", history=history)
    return history


@pytest.fixture
def new(tmp_path: Path, old: History) -> History:
    """The same history, one migration later."""
    history = History(tmp_path / "new")
    (history.folder / "versions").mkdir(parents=True)
    for path in (old.folder / "versions").glob("*.py"):
        (history.folder / "versions" / path.name).write_text(path.read_text())
    draft(_second(), "Towns, not streets!", history=history)
    return history


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/metadata.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An empty database of either kind."""
    database = open_database(url)
    yield database
    database.close()


@pytest.fixture
def aged(database: Database, old: History) -> Database:
    """A workspace of the first version, with rows."""
    prepare(database, _first, history=old)
    with database.write() as tx:
        tx.execute(text("insert into owner values ('ada', 'Main Street')"))
        tx.execute(text("insert into pet values ('rex', 'ada')"))
    return database


def test_a_fresh_database_gets_all_tables_once(database: Database, old: History) -> None:
    """The tables are declared and made at the first opening only."""
    prepare(database, _first, history=old)
    prepare(database, _never, history=old)

    assert _state(database) == ("0001", ["name", "street"])


def test_opening_does_not_load_the_migration_tool(tmp_path: Path) -> None:
    """Neither the first opening nor the second imports Alembic."""
    script = f"""
import sys
from sqlalchemy import MetaData
from stackcanvas.backends.database import open_database
from stackcanvas.metadata.migrate import prepare
for _ in range(2):
    prepare(open_database("sqlite:///{tmp_path}/metadata.db"), MetaData)
print([name for name in sys.modules if name.startswith("alembic")])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_an_older_file_is_copied_and_migrated_when_it_is_opened(aged: Database, new: History, url: str) -> None:
    """SQLite: rows stay, children of rebuilt tables too, and the copy is the workspace as it was."""
    if aged.dialect != "sqlite":
        with pytest.raises(Refused, match=r"version 0001 and this stackcanvas needs 0002.*stackcanvas migrate"):
            prepare(aged, _never, history=new)
        assert _state(aged) == ("0001", ["name", "street"])
        return

    prepare(aged, _never, history=new)

    assert _state(aged) == ("0002", ["name", "town"])
    assert _rows(aged) == [("ada", "rex")]
    copy = open_database(f"{url}.0001.bak")
    assert _state(copy) == ("0001", ["name", "street"])
    assert _rows(copy) == [("ada", "rex")]
    copy.close()


def test_a_call_migrates_either_kind(aged: Database, new: History) -> None:
    """What `stackcanvas migrate` does; a second call has nothing to do."""
    assert migrate(aged, history=new) == ("0001", "0002")
    assert migrate(aged, history=new) == ("0002", "0002")

    assert _state(aged) == ("0002", ["name", "town"])
    assert _rows(aged) == [("ada", "rex")]


def test_one_that_was_only_added_to_is_worked_with(aged: Database, old: History, tmp_path: Path) -> None:
    """A newer release adds a table and a column: the older one opens what it left, reads, writes and migrates nothing.

    What must know every table still refuses it.
    """
    added = History(tmp_path / "added")
    shutil.copytree(old.folder, added.folder)
    schema = _first()
    schema.tables["pet"].append_column(Column("age", types.Integer))
    Table("vet", schema, Column("name", types.Text, primary_key=True))
    assert "oldest" not in draft(schema, "vets", history=added).read_text()
    assert migrate(aged, history=added) == ("0001", "0002")

    prepare(aged, _never, history=old)
    assert migrate(aged, history=old) == ("0002", "0002")
    with aged.write() as tx:
        tx.execute(_first().tables["pet"].insert().values(name="tom", owner="ada"))
    assert sorted(_rows(aged)) == [("ada", "rex"), ("ada", "tom")]
    with pytest.raises(Refused, match=r"every table must be known here; this one knows 0001.*pip install --upgrade"):
        prepare(aged, _never, history=old, exact=True)


def test_one_made_before_the_oldest_version_was_kept_learns_it(aged: Database, old: History, new: History) -> None:
    """It opens as it is, and the next migration writes it."""
    with aged.write() as tx:
        tx.execute(text("alter table stackcanvas_version drop column oldest"))
    prepare(aged, _never, history=old)
    migrate(aged, history=new)

    assert written(aged) == Written("0002", "0002")


def test_what_is_taken_away_later_names_who_can_do_without(aged: Database, new: History, tmp_path: Path) -> None:
    """A third release drops what the second no longer uses, and says so: the second opens it, the first does not."""
    third = History(tmp_path / "third")
    shutil.copytree(new.folder, third.folder)
    schema = _second()
    schema.remove(schema.tables["pet"])
    step = draft(schema, "no pets", history=third)
    step.write_text(step.read_text().replace('oldest = "0003"', 'oldest = "0002"'))
    migrate(aged, history=third)

    prepare(aged, _never, history=new)
    with pytest.raises(Refused, match="which works with 0002 and later"):
        prepare(aged, _never, history=_until(third, "0001", tmp_path))


def test_a_newer_workspace_is_refused(aged: Database, old: History, new: History) -> None:
    """It lost a column: nothing is changed, and the way out is named."""
    migrate(aged, history=new)
    for act in (lambda: prepare(aged, _never, history=old), lambda: migrate(aged, history=old)):
        with pytest.raises(
            Refused,
            match=r"newer stackcanvas: version 0002, which works with 0002 and later; this one knows 0001.*pip install",
        ):
            act()

    assert _state(aged) == ("0002", ["name", "town"])


def test_a_database_of_somebody_else_is_refused(database: Database, old: History) -> None:
    """Tables that are not ours are not mixed with ours."""
    with database.write() as tx:
        tx.execute(text("create table alembic_version (version_num text)"))

    with pytest.raises(Conflict, match=r"other tables \(alembic_version\).*another file, or another schema"):
        prepare(database, _first, history=old)

    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]


@pytest.mark.parametrize(
    "damage", ["delete from stackcanvas_version", "insert into stackcanvas_version (version_num) values ('0002')"]
)
def test_a_version_that_cannot_be_read_is_said(aged: Database, new: History, damage: str) -> None:
    """No row or two: nothing is migrated on a guess."""
    with aged.write() as tx:
        tx.execute(text(damage))

    for act in (lambda: prepare(aged, _never, history=new), lambda: migrate(aged, history=new)):
        with pytest.raises(Corrupt, match="stackcanvas_version holds"):
            act()


def test_an_empty_database_has_nothing_to_migrate(database: Database, new: History) -> None:
    """A wrong URL given to the migration makes no tables."""
    with pytest.raises(Conflict, match="no workspace to migrate"):
        migrate(database, history=new)

    with database.read() as connection:
        assert inspect(connection).get_table_names() == []


def test_a_migration_that_fails_leaves_the_workspace_as_it_was(aged: Database, new: History) -> None:
    """The first step succeeds, the second drops a table and fails: all of it is undone."""
    _add(new, _BREAKS.format(end="raise RuntimeError('it broke')"))

    with pytest.raises(RuntimeError, match="it broke"):
        migrate(aged, history=new)

    assert _state(aged) == ("0001", ["name", "street"])
    assert _rows(aged) == [("ada", "rex")]


def test_a_migration_killed_half_way_leaves_the_workspace_as_it_was(aged: Database, url: str, new: History) -> None:
    """Killed with -9 after a table was dropped; the migration without the fault then goes through."""
    broken = _add(new, _BREAKS.format(end="import os; os.kill(os.getpid(), 9)"))
    child = _child("migrate", url, new)
    child.communicate()
    assert child.returncode == -9
    assert _state(aged) == ("0001", ["name", "street"])

    broken.unlink()
    migrate(aged, history=new)

    assert _state(aged) == ("0002", ["name", "town"])
    assert _rows(aged) == [("ada", "rex")]


def test_children_that_lose_their_parent_stop_a_migration(aged: Database, new: History) -> None:
    """Foreign keys are looked at before the commit."""
    _add(
        new,
        _BREAKS.format(end="pass")
        .replace('drop_table("pet")', 'execute("delete from owner")')
        .replace("from pet", "from pet where 1 = 0"),
    )
    if aged.dialect != "sqlite":
        migrate(aged, history=new)
        assert _rows(aged) == []  # PostgreSQL keeps its foreign keys on: the children went with their parent
        return

    with pytest.raises(Corrupt, match="row 1 of pet has no parent in owner"):
        migrate(aged, history=new)

    assert _rows(aged) == [("ada", "rex")]


def test_without_a_copy_there_is_no_migration(tmp_path: Path, old: History, new: History) -> None:
    """The place of the copy is taken by a folder: the file stays as it is."""
    database = open_database(f"sqlite:///{tmp_path}/metadata.db")
    prepare(database, _first, history=old)
    (tmp_path / "metadata.db.0001.bak" / "inside").mkdir(parents=True)

    with pytest.raises(Unavailable, match=r"metadata\.db\.0001\.bak"):
        prepare(database, _never, history=new)

    assert _state(database) == ("0001", ["name", "street"])
    assert not list(tmp_path.glob("*.draft"))
    database.close()


def test_processes_open_a_fresh_and_an_older_workspace_at_once(url: str, old: History, new: History) -> None:
    """One of them makes or migrates it, the others wait; none fails."""
    for history, verb in ((old, "open"), (new, "migrate" if url.startswith("postgresql") else "open")):
        children = [_child(verb, url, history) for _ in range(4)]
        said = [child.communicate()[0].strip() for child in children]
        assert said == [history.version] * 4


def test_a_draft_without_a_difference_does_nothing(new: History) -> None:
    """What is drafted from the tables as they are is empty, and the last draft can be replaced."""
    empty = draft(_second(), "nothing", history=new)
    assert empty.name == "v0003_nothing.py"
    assert empty.read_text().endswith("    pass\n")

    again = draft(_first(), "back", history=new, replace=True)

    assert not empty.exists()
    assert again.name == "v0003_back.py"
    assert "drop_column" in again.read_text()


def _until(history: History, last: str, folder: Path) -> History:
    """What a release knew of a history that went on."""
    earlier = History(folder / f"until-{last}")
    shutil.copytree(history.folder, earlier.folder)
    for path in (earlier.folder / "versions").glob("v[0-9]*.py"):
        if path.name[1:5] > last:
            path.unlink()
    return earlier


def _never() -> MetaData:
    raise AssertionError("the tables of all blocks were loaded though nothing had to be made")


def _add(history: History, code: str) -> Path:
    path = history.folder / "versions" / "v0003_more.py"
    path.write_text(code)
    return path


def _state(database: Database) -> tuple[str, list[str]]:
    """The version, and the columns of a table that tells it."""
    with database.read() as connection:
        version: str = connection.execute(text("select version_num from stackcanvas_version")).scalar_one()
        return version, [column["name"] for column in inspect(connection).get_columns("owner")]


def _rows(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        joined = text("select owner.name, pet.name from pet join owner on owner.name = pet.owner")
        return [(owner, pet) for owner, pet in connection.execute(joined)]


def _child(verb: str, url: str, history: History) -> subprocess.Popen[str]:
    """Another process that opens or migrates the workspace and prints its version."""
    command = [sys.executable, "-c", _CHILD, verb, url, str(history.folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
