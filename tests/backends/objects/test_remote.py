"""Objects behind a URL, on a real S3 endpoint and over a network that fails."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stackcanvas.backends.objects import Objects, open_objects
from stackcanvas.backends.objects.remote import RemoteObjects
from stackcanvas.errors import BadInput, Conflict, NotFound, Unavailable
from stackcanvas.testing.faulty import Fault, FaultyNetwork
from stackcanvas.testing.objects import ObjectsSuite
from stackcanvas.testing.s3 import S3Server, set_credentials

_LARGE = b"0123456789abcdef" * (1 << 16)  # a megabyte, more than any buffer on the way
_LOST_ANSWERS = (
    Fault(after_answered=0),
    Fault(after_answered=20),
    Fault(after_answered=100, at_most=2),
    Fault(after_sent=0),
    Fault(after_sent=200),
    Fault(after_answered=0, stall=True),
)


class TestRemoteObjects(ObjectsSuite):
    examples = 4

    @pytest.fixture
    def open_empty(self, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Objects]:
        """Opens a new bucket."""
        set_credentials(monkeypatch)
        return lambda: RemoteObjects(s3_server.url(s3_server.make_bucket()))


@pytest.fixture
def network(s3_server: S3Server) -> Iterator[FaultyNetwork]:
    """What stands between the client and the server."""
    with FaultyNetwork(s3_server.port) as between:
        yield between


@pytest.fixture
def far(network: FaultyNetwork, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> RemoteObjects:
    """A bucket that is reached over the network that fails."""
    set_credentials(monkeypatch)
    url = s3_server.url(s3_server.make_bucket(), port=network.port)
    return RemoteObjects(url, patience=timedelta(seconds=0.5))


@pytest.mark.parametrize("fault", _LOST_ANSWERS)
def test_a_put_whose_answer_is_lost(far: RemoteObjects, network: FaultyNetwork, fault: Fault) -> None:
    """It is tried again, and the object stands as a whole."""
    network.strike(fault)

    far.put("data/one", _LARGE)

    assert network.struck
    assert far.get("data/one") == _LARGE


@pytest.mark.parametrize("fault", _LOST_ANSWERS)
def test_a_creation_whose_answer_is_lost(far: RemoteObjects, network: FaultyNetwork, fault: Fault) -> None:
    """The writer who made the object is told so, even when the next try finds it there; another writer is refused."""
    network.strike(fault)

    far.put("data/one", b"mine", if_absent=True)

    assert network.struck
    assert far.get("data/one") == b"mine"
    network.strike(fault)
    with pytest.raises(Conflict):
        far.put("data/one", b"other", if_absent=True)
    assert far.get("data/one") == b"mine"


@pytest.mark.parametrize("after", [0, 1, 150, 5000, 700_000])
@pytest.mark.parametrize("stall", [False, True])
def test_an_answer_that_breaks_off(far: RemoteObjects, network: FaultyNetwork, after: int, *, stall: bool) -> None:
    """Half an answer is never taken for the whole."""
    far.put("data/one", _LARGE)
    network.strike(Fault(after_answered=after, stall=stall))

    assert far.get("data/one") == _LARGE
    assert far.get("data/one", start=100, length=900_000) == _LARGE[100:900_100]
    assert network.struck


def test_a_network_that_stays_away(far: RemoteObjects, network: FaultyNetwork) -> None:
    """Every verb says that the store cannot be used, in one sentence without addresses of requests."""
    far.put("data/one", b"1")
    network.strike(Fault(after_sent=0, at_most=10_000))

    for verb in (
        lambda: far.get("data/one"),
        lambda: far.put("data/two", b"2", if_absent=True),
        lambda: list(far.list()),
    ):
        with pytest.raises(Unavailable, match="cannot be used") as caught:
            verb()
        assert "127.0.0.1" not in str(caught.value)

    network.strike(None)
    assert far.get("data/one") == b"1"
    assert far.size("data/two") is None


def test_a_put_that_is_cut_leaves_what_was_there(far: RemoteObjects, network: FaultyNetwork) -> None:
    """A request that never arrives whole changes nothing."""
    far.put("data/one", b"before")
    network.strike(Fault(after_sent=300_000, at_most=10_000))

    with pytest.raises(Unavailable):
        far.put("data/one", _LARGE)

    network.strike(None)
    assert far.get("data/one") == b"before"


def test_an_object_in_several_parts(s3_url: str, tmp_path: Path) -> None:
    """What is too long for one request comes back as it was, from memory and from a file."""
    content = _LARGE * 20
    objects = open_objects(s3_url)
    (tmp_path / "file").write_bytes(content)

    objects.put("memory", bytearray(content))
    objects.put_file("file", tmp_path / "file")
    objects.put_file("only once", tmp_path / "file", if_absent=True)

    assert objects.size("memory") == len(content)
    assert objects.get("memory") == objects.get("file") == objects.get("only once") == content
    with mmap.mmap(-1, 10) as mapped:
        objects.put("mapped", memoryview(mapped))
    assert objects.get("mapped") == bytes(10)


def test_a_listing_longer_than_a_page(s3_url: str) -> None:
    """Every object is listed, in order."""
    objects = open_objects(s3_url)
    keys = [f"many/{number:05d}" for number in range(1100)]
    for key in keys:
        objects.put(key, b"")

    assert [info.key for info in objects.list("many/")] == keys
    assert [info.key for info in objects.list("many/010")] == keys[1000:1100]


def test_two_stores_in_one_bucket(s3_url: str) -> None:
    """A prefix keeps them apart, and the URL that is shown holds no options."""
    one, other = open_objects(s3_url), open_objects(s3_url.replace("/stack", "/sta"))
    one.put("key", b"1")

    assert list(other.list()) == []
    assert other.size("key") is None
    assert one.url.endswith("/stack")


def test_a_bucket_that_is_missing(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket is named, not the object."""
    set_credentials(monkeypatch)
    objects = open_objects(s3_server.url("no-such-bucket"))

    with pytest.raises(NotFound, match="no bucket"):
        objects.put("key", b"")
    with pytest.raises(NotFound, match="no bucket"):
        list(objects.list())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://", "no bucket"),
        ("s3:///prefix", "no bucket"),
        ("s3://user:word@bucket", "no bucket"),
        ("s3://bucket/../other", "segment"),
        ("s3://bucket?colour=red", "unknown option 'colour'"),
        ("az://", "no container"),
    ],
)
def test_urls_that_name_no_store(url: str, said: str) -> None:
    """They are refused before anything is asked of a server."""
    with pytest.raises(BadInput, match=said) as caught:
        open_objects(url)

    assert "word" not in str(caught.value)


def test_google_and_azure_take_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other providers are opened by the same rules; Azure needs an account."""
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)

    assert open_objects("gs://bucket/stack").url == "gs://bucket/stack"
    assert open_objects("az://container/stack?account=team").url == "az://container/stack"
    with pytest.raises(BadInput, match="AZURE_STORAGE_ACCOUNT_NAME"):
        open_objects("az://container/stack")
