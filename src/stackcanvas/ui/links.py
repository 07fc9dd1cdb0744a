"""The one place where addresses of pages are made."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from stackcanvas.metadata import Ref


class Links:
    """Makes addresses of pages.

    Args:
        base: what stands before every path, without a slash at its end.

    Example:
        >>> Links().ref(Ref.parse("data:predictions/delay@3"))
        '/ref?name=data%3Apredictions%2Fdelay%403'
    """

    def __init__(self, base: str = "") -> None:
        self._base = base

    def canvas(self) -> str:
        """The first page."""
        return f"{self._base}/"

    def block(self, block: str, *, question: str | None = None) -> str:
        """The room of a block, at one of its questions where one is named."""
        place = f"{self._base}/blocks/{quote(block, safe='')}"
        return f"{place}#{quote(question, safe='.')}" if question else place

    def ask(self, item: str | None = None, *, saved: str | None = None) -> str:
        """The form of a question, or the list of all; `saved` names what was written just before."""
        place = f"{self._base}/ask/{quote(item, safe='.')}" if item else f"{self._base}/ask"
        return f"{place}?{urlencode({'saved': saved})}" if saved and item else place

    def check(self) -> str:
        """What contradicts itself in the canvas."""
        return f"{self._base}/check"

    def assess(self, *, wanted: str | None = None) -> str:
        """How mature the stack is by its answers."""
        return f"{self._base}/assess" + (f"?{urlencode({'wanted': wanted})}" if wanted else "")

    def cost(self, **asked: str) -> str:
        """What the canvas costs: by a part, or one row of it."""
        return f"{self._base}/cost" + (f"?{urlencode(asked)}" if asked else "")

    def tools(self) -> str:
        """Which tools fit."""
        return f"{self._base}/tools"

    def plan(self) -> str:
        """What the canvas as written would alter."""
        return f"{self._base}/plan"

    def page(self, kind: str) -> str:
        """The canvas on one page, as a file."""
        return f"{self._base}/api/v1/canvas/page.{kind}"

    def ref(self, ref: Ref | str) -> str:
        """The page of anything that has a ref; runs and executions have pages of their own."""
        found = Ref.parse(ref) if isinstance(ref, str) else ref
        if found.kind == "run":
            return f"{self._base}/runs/{quote(found.name, safe='')}"
        if found.kind == "execution":
            return f"{self._base}/executions/{quote(found.name, safe='')}"
        return f"{self._base}/ref?{urlencode({'name': str(found)})}"

    def statistics(self, view: Ref) -> str:
        """The page of a feature view with what its values are like."""
        return f"{self.ref(view)}&statistics=yes"

    def runs(self, **asked: str) -> str:
        """Runs as a table: of an experiment, of a filter, in an order, on a page; what is empty is left out."""
        given = urlencode({name: value for name, value in asked.items() if value})
        return f"{self._base}/runs" + (f"?{given}" if given else "")

    def compared(self, run_ids: Sequence[str] = ()) -> str:
        """Runs beside each other."""
        given = urlencode([("run", run_id) for run_id in run_ids])
        return f"{self._base}/runs/compare" + (f"?{given}" if given else "")

    def run_table(self, **asked: str) -> str:
        """Runs as a file."""
        return f"{self._base}/api/v1/runs/table?{urlencode({name: value for name, value in asked.items() if value})}"

    def artifact(self, run_id: str, path: str) -> str:
        """A file of a run."""
        return f"{self._base}/api/v1/runs/{quote(run_id, safe='')}/artifacts/{quote(path)}"

    def card(self, ref: Ref) -> str:
        """The card of a model version, as Markdown."""
        name, selector = quote(ref.name, safe="/"), quote(ref.selector or "latest", safe="")
        return f"{self._base}/api/v1/models/{name}/versions/{selector}/card"

    def query(self, *, ref: Ref | None = None) -> str:
        """The page on which data are asked, about a version where one is named."""
        return f"{self._base}/query" + (f"?{urlencode({'ref': str(ref)})}" if ref is not None else "")

    def reports(self) -> str:
        """Where the form for a report is sent."""
        return f"{self._base}/reports"

    def report(self, ref: Ref) -> str:
        """The page of a profile or a comparison."""
        return f"{self._base}/api/v1/reports/page?{urlencode({'ref': str(ref)})}"

    def annotation(
        self,
        queue: str = "",
        *,
        item: int | None = None,
        labeller: str = "",
        span: Sequence[str] | None = None,
        said: str = "",
    ) -> str:
        """The queues of items to label, one queue, or one item of it as a form."""
        asked: dict[str, str] = {"queue": queue, "item": "" if item is None else str(item), "labeller": labeller}
        given = urlencode({name: value for name, value in {**asked, "said": said}.items() if value})
        spans = "" if span is None else "".join(f"&span={one}" for one in span) or "&fresh=1"
        return f"{self._base}/annotation" + (f"?{given}{spans}" if given else "")

    def events(self, *, before: int | None = None) -> str:
        """What happened, newest first."""
        return f"{self._base}/events" + (f"?before={before}" if before is not None else "")

    def patterns(self) -> str:
        """Every part of the pages on one page."""
        return f"{self._base}/patterns"

    def stream(self) -> str:
        """The stream of events that refreshes pages."""
        return f"{self._base}/api/v1/events/stream"

    def login(self, after: str) -> str:
        """Where the form with a token is sent, to go on to an address of this server."""
        return f"{self._base}/login?next={quote(after)}"

    def static(self, name: str) -> str:
        """A file that pages load."""
        return f"{self._base}/static/{name}"

    def twin(self, address: str) -> str:
        """The same page as JSON."""
        path, question, query = address.partition("?")
        path = path.partition("#")[0]
        return f"{f'{self._base}/canvas' if path in {f'{self._base}/', self._base} else path}.json{question}{query}"
