from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import Connection, text

from stackcanvas.backends.database import Database, open_database
from stackcanvas.errors import BadInput, Corrupt, Refused, StackCanvasError, Unavailable
from stackcanvas.testing.database import DatabaseSuite
from stackcanvas.testing.database_tables import KINDS, METADATA, count, replace
from stackcanvas.testing.postgres import PostgresServer

_SECRET = "sEcret7"


class TestPostgres(DatabaseSuite):
    """The grown-up database keeps every promise of the port, on a real server."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        """A schema that does not exist yet."""
        return postgres_url


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """A fresh schema, opened."""
    database = open_database(postgres_url)
    yield database
    database.close()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that the test may stop."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


def test_schemas_are_workspaces_of_their_own(postgres_server: str, database: Database) -> None:
    """Two schemas of one database share no table, and the writers of one do not wait for those of the other."""
    other = open_database(f"{postgres_server}&schema=other_workspace", busy_s=0.1)
    try:
        with database.write() as tx:
            METADATA.create_all(tx)
            with other.write() as elsewhere:
                assert elsewhere.dialect.has_table(elsewhere, "kinds") is False
                METADATA.create_all(elsewhere)
        replace(other, "text", ["theirs"])

        assert (count(database, KINDS), count(other, KINDS)) == (0, 1)
    finally:
        with other.write() as tx:
            tx.execute(text("DROP SCHEMA other_workspace CASCADE"))
        other.close()


def test_without_a_schema_it_is_public(postgres_server: str) -> None:
    """The default of PostgreSQL is ours."""
    database = open_database(postgres_server)

    with database.read() as connection:
        assert connection.scalar(text("select current_schema()")) == "public"
    database.close()


@pytest.mark.parametrize("schema", ["", "Churn", "a b", 'a"; drop schema public; --', "a" * 64, "1st"])
def test_a_schema_name_is_plain(schema: str) -> None:
    """Names that need quoting are refused before the server sees them."""
    with pytest.raises(BadInput, match="schema"):
        open_database(f"postgresql://localhost/db?schema={quote(schema)}")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{_SECRET}@localhost:port/db",
        f"postgresql://user:{_SECRET}@127.0.0.1:1/db",
        f"postgresql://user:{_SECRET}@nowhere.invalid/db",
        f"postgresql:///db?host=/nowhere&user=ada&password={_SECRET}",
        f"postgresql://user:{_SECRET}@/db?host=/nowhere&sslmode=perhaps",
        f"postgresql://user:{_SECRET}@/db?host=/nowhere&nonsense={_SECRET}",
    ],
)
def test_a_password_is_never_said(url: str) -> None:
    """Whatever is wrong with the URL: the error helps, without the password, in its facts and its causes too."""
    with pytest.raises((BadInput, Unavailable)) as caught:
        open_database(url)

    assert _SECRET not in "".join(traceback.format_exception(caught.value))
    assert _SECRET not in str(caught.value.to_dict())


def test_a_wrong_password_is_said(postgres_server: str) -> None:
    """The server's reason is given, with the user."""
    wrong, right = (postgres_server.replace("postgres@", f"guarded:{word}@") for word in (_SECRET, "secret"))
    with pytest.raises(Unavailable, match='authentication failed for user "guarded"') as caught:
        open_database(wrong)
    assert _SECRET not in str(caught.value)

    database = open_database(right)
    assert "secret" not in database.url
    assert "guarded:***@" in database.url
    database.close()


def test_a_user_without_rights_is_told(postgres_server: str, postgres_url: str, database: Database) -> None:
    """A schema of somebody else."""
    with database.write() as tx:
        METADATA.create_all(tx)
    url = postgres_url.replace("postgres@", "guarded:secret@")
    with pytest.raises(Refused, match=r"may not use the schema.*GRANT USAGE"):
        open_database(url)

    with database.write() as tx:
        tx.exec_driver_sql(f"GRANT USAGE ON SCHEMA {postgres_url.partition('schema=')[2]} TO guarded")
    guest = open_database(url)
    with pytest.raises(Refused, match=r"permission denied.*Grant the right"):
        replace(guest, "text", ["mine"])
    guest.close()


def test_a_database_that_is_not_utf8_is_refused(postgres_server: str) -> None:
    """Text would not come back."""
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'")
    try:
        with pytest.raises(BadInput, match=r"LATIN1.*UTF8.*createdb"):
            open_database(postgres_server.replace("/postgres?", "/latin?"))
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as admin:
            admin.execute("DROP DATABASE latin WITH (FORCE)")


@pytest.mark.parametrize(
    ("state", "kind", "said"),
    [
        ("53100", Unavailable, "the disk of PostgreSQL is full, nothing was written.*Free some space"),
        ("53200", Unavailable, "out of resources"),
        ("58030", Unavailable, "cannot read or write its files"),
        ("57P01", Unavailable, "ended the connection"),
        ("XX001", Corrupt, "backup"),
        ("42501", Refused, "Grant the right"),
    ],
)
def test_what_the_server_says_is_translated(
    database: Database, state: str, kind: type[StackCanvasError], said: str
) -> None:
    """An error that the server raises while it stores a row, row by row and in bulk."""
    with database.write() as tx:
        METADATA.create_all(tx)
        tx.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'it says no' USING ERRCODE = '{state}'; END $$"
        )
        tx.exec_driver_sql("CREATE TRIGGER refuse BEFORE INSERT ON kinds FOR EACH ROW EXECUTE FUNCTION refuse()")

    with pytest.raises(kind, match=f"(?s){said}") as caught:
        replace(database, "text", ["row"])
    assert "it says no" in str(caught.value)
    with pytest.raises(kind, match=said), database.write() as tx:
        database.bulk(tx, KINDS, [{"text": "row"}])
    assert count(database, KINDS) == 0


def test_a_server_that_goes_and_comes_back(own_server: PostgresServer) -> None:
    """In the middle of a write and between two: one sentence; when the server is back the same object works."""
    database = open_database(own_server.url)
    with database.write() as tx:
        METADATA.create_all(tx)
    with pytest.raises(Unavailable, match="PostgreSQL"), database.write() as tx:
        own_server.stop()
        tx.execute(text("select 1"))
    with pytest.raises(Unavailable, match="Check that the server runs"):
        count(database, KINDS)

    own_server.start()

    replace(database, "text", ["back"])
    assert count(database, KINDS) == 1
    database.close()


def _pid(connection: Connection) -> int:
    pid: int = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
    return pid


def _end(server: str, pid: int) -> None:
    with psycopg.connect(server) as admin:
        admin.execute("select pg_terminate_backend(%s, 5000)", [pid])


def test_a_session_ended_by_the_administrator_is_replaced(database: Database, postgres_server: str) -> None:
    """The one in use fails with a sentence; an idle one that died is noticed before it is used."""
    with pytest.raises(Unavailable, match="PostgreSQL"), database.read() as connection:
        _end(postgres_server, _pid(connection))
        connection.exec_driver_sql("select 1")

    with database.read() as connection:
        idle = _pid(connection)
    _end(postgres_server, idle)

    with database.read() as connection:
        assert _pid(connection) != idle


def test_a_server_that_says_nothing_is_given_up() -> None:
    """It takes the connection and never answers; the URL may say how long it is waited for."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable, match="timeout"):
        open_database(f"postgresql://ada:geheim@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=2")


def test_connections_that_lead_nowhere_are_noticed(postgres_url: str) -> None:
    """What the system is told of each connection, unless the URL tells otherwise."""

    def told(url: str) -> dict[str, str]:
        database = open_database(url)
        with database.read() as connection:
            driver: Any = connection.connection.dbapi_connection
            found = dict(driver.info.get_parameters())
        database.close()
        return found

    plain, own = told(postgres_url), told(f"{postgres_url}&tcp_user_timeout=3000")

    assert (plain["connect_timeout"], plain["tcp_user_timeout"], plain["keepalives_idle"]) == ("5", "15000", "10")
    assert (own["connect_timeout"], own["tcp_user_timeout"]) == ("5", "3000")
