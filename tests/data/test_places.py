"""Which version lies where."""

from __future__ import annotations

from pathlib import Path

from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.data.places import Place, Places


def test_places_are_remembered(tmp_path: Path) -> None:
    """The last note of each data set counts, names of any letters are fine."""
    cache = open_keyvalue(f"sqlite:///{tmp_path}/local.db")
    places = Places(cache)
    old = Place("flüge/2013", 1, Path("/a"), (Path("/a"),))
    new = Place("flüge/2013", 2, Path("/b"), (Path("/b/x"), Path("/b/y")))
    other = Place("a", 1, Path("/"), (Path("/c"),))

    for place in (old, new, other):
        places.note(place)

    assert places.get("flüge/2013") == new
    assert places.get("nothing") is None
    assert places.all() == [other, new]
    cache.close()
