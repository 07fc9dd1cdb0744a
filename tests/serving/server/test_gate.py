"""Who may ask the prediction server, by a file."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest

from stackcanvas.clock import ManualClock, to_us
from stackcanvas.serving.server.gate import Gate, NotAdmitted, NotAllowed, TooOften


@pytest.fixture
def gate(tmp_path: Path, clock: ManualClock) -> Gate:
    """A gate that knows a reader, and a writer for an hour."""
    write(
        tmp_path,
        {
            "sc_reader": {"name": "ada", "role": "reader", "expires_us": None},
            "sc_writer": {"name": "ci", "role": "writer", "expires_us": to_us(clock.now() + timedelta(hours=1))},
        },
    )
    return Gate(tmp_path, clock=clock)


def write(folder: Path, tokens: dict[str, object]) -> None:
    """Write the file as the stack does: digests only."""
    told = {"tokens": {hashlib.sha256(text.encode()).hexdigest(): one for text, one in tokens.items()}}
    fresh = folder / "fresh"
    fresh.write_text(json.dumps(told))
    fresh.replace(folder / "tokens.json")


def ask(gate: Gate, path: str, text: str | None = None, *, sender: str = "10.0.0.7") -> None:
    """Come with a token."""
    headers = {} if text is None else {b"authorization": f"Bearer {text}".encode()}
    gate.admit(path.split("/")[1:], headers, sender)


def test_who_is_known_gets_in(gate: Gate, clock: ManualClock) -> None:
    """By either form of the header, until the token expires; health is for everybody."""
    ask(gate, "/v1/predict/delay", "sc_reader")
    basic = {b"authorization": b"Basic " + b64encode(b"anybody:sc_writer")}
    gate.admit(["push"], basic, "10.0.0.7")
    for path in ("/health", "/health/ready", "/v2/health/live", "/v2/health/ready"):
        ask(gate, path)
    for path, text in (("/v1/predict/delay", None), ("/metrics", None), ("/v2", "sc_guess"), ("/v2", "\udcff")):
        with pytest.raises(NotAdmitted):
            ask(gate, path, None if text is None else text.encode("utf-8", "replace").decode())
    with pytest.raises(NotAdmitted):
        gate.admit(["v2"], {b"authorization": b"Basic !!!"}, "10.0.0.7")

    clock.advance(seconds_s=3600)
    with pytest.raises(NotAdmitted, match="unknown, expired or revoked"):
        ask(gate, "/push", "sc_writer")


def test_a_reader_changes_nothing(gate: Gate) -> None:
    """Predictions and look-ups; what writes features or loads models needs a writer."""
    for path in ("/get-online-features", "/v2/models/delay/infer", "/v2/repository/index"):
        ask(gate, path, "sc_reader")
    for path in ("/push", "/materialize", "/v2/repository/models/delay/load"):
        with pytest.raises(NotAllowed, match="ada is a reader"):
            ask(gate, path, "sc_reader")
        ask(gate, path, "sc_writer")


def test_whoever_guesses_has_to_wait(gate: Gate) -> None:
    """By the address that wrong tokens come from; who is known there goes on."""
    for number in range(20):
        with pytest.raises(NotAdmitted):
            ask(gate, "/v2", f"sc_{number}")
    with pytest.raises(TooOften) as caught:
        ask(gate, "/v2", "sc_next")

    assert caught.value.wait_s > 0
    ask(gate, "/v2", "sc_reader")
    with pytest.raises(NotAdmitted):
        ask(gate, "/v2", "sc_next", sender="10.0.0.8")


def test_the_file_is_looked_at_again(gate: Gate, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A revoked token is refused; a file that cannot be read changes nothing and is said once; none admits nobody."""
    write(tmp_path, {"sc_writer": {"name": "ci", "role": "writer"}})
    gate.refresh()
    with pytest.raises(NotAdmitted):
        ask(gate, "/v2", "sc_reader")

    (tmp_path / "tokens.json").write_text('{"tokens": 3}')
    gate.refresh()
    gate.refresh()
    ask(gate, "/v2", "sc_writer")
    assert capsys.readouterr().err.count("tokens: ") == 1

    (tmp_path / "tokens.json").unlink()
    gate.refresh()
    assert not gate
    with pytest.raises(NotAdmitted):
        ask(gate, "/v2", "sc_writer")
