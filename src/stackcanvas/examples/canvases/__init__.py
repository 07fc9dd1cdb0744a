"""Complete canvases to begin with, one for each level of maturity: `stackcanvas canvas init --from NAME`."""
