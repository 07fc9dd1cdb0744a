"""Who may ask for predictions, told to the prediction server, which knows no database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from stackcanvas.backends.files import make_folder, unavailable
from stackcanvas.clock import to_us
from stackcanvas.serving.server.files import replace
from stackcanvas.serving.server.gate import TOKENS, TokenSpec, TokensSpec

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_encode = msgspec.json.Encoder(order="sorted").encode


def publish(stack: Stack) -> bool:
    """Write the digests of the tokens that count where the prediction server looks; whether anything had changed.

    Raises:
        Unavailable: the file cannot be written.
    """
    told = TokensSpec(
        {
            digest: TokenSpec(one.name, one.role, None if one.expires is None else to_us(one.expires))
            for digest, one in stack.tokens.digests().items()
        }
    )
    path, wanted = stack.folder / "serving" / TOKENS, _encode(told)
    try:
        if (path.read_bytes() if path.exists() else _encode(TokensSpec())) == wanted:
            return False
        make_folder(path.parent)
        replace(path, wanted)
    except OSError as error:
        raise unavailable(error, path) from error
    return True
