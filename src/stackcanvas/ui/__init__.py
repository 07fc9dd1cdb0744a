"""The web pages: rendered on the server, readable without JavaScript; the first one is the canvas itself."""
