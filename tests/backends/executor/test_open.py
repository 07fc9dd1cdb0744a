"""From a URL to an executor."""

from __future__ import annotations

import pytest

from stackcanvas.backends.executor import open_executor
from stackcanvas.errors import BadInput


@pytest.mark.parametrize("url", ["inline:", "processes:", "processes:1"])
def test_known_urls(url: str) -> None:
    """An executor tells the URL that it was opened with, and works."""
    executor = open_executor(url)

    assert executor.url == url
    assert executor.submit("operator:add", 1, 2).result(60) == 3
    executor.close()


@pytest.mark.parametrize("url", ["other:", "processes", ""])
def test_an_unknown_scheme(url: str) -> None:
    """The error names the schemes that are known."""
    with pytest.raises(BadInput, match="inline:, processes:"):
        open_executor(url)


@pytest.mark.parametrize("url", ["processes:0", "processes:-1", "processes:many", "inline:2"])
def test_what_follows_the_colon(url: str) -> None:
    """A number of processes that is none is refused."""
    with pytest.raises(BadInput, match="Expected"):
        open_executor(url)
