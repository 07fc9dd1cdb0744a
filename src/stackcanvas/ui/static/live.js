// Tells the page that something happened in the stack, at most once a second; htmx fetches what changed.
const QUIET_MS = 1000;
const source = { stream: null, timer: null };
const state = document.getElementById("live-state");

function show(text, good) {
  state.textContent = text;
  state.classList.toggle("bar__live--on", good);
}

function changed() {
  if (source.timer !== null) return;
  source.timer = setTimeout(() => {
    source.timer = null;
    document.body.dispatchEvent(new CustomEvent("stack:changed"));
  }, QUIET_MS);
}

function listen() {
  source.stream = new EventSource(document.body.dataset.stream);
  source.stream.onopen = () => show("live", true);
  source.stream.onmessage = changed;
  source.stream.onerror = () => show("waiting for the server", false);
}

// A browser allows six connections to a server: pages that nobody looks at give theirs back.
document.addEventListener("visibilitychange", () => {
  if (document.hidden && source.stream !== null) {
    source.stream.close();
    source.stream = null;
  } else if (!document.hidden && source.stream === null) {
    listen();
    changed();
  }
});

// A page that is left must not hold its connection while the next one loads.
window.addEventListener("pagehide", () => source.stream?.close());

if (!document.hidden) listen();
