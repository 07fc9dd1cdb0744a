"""Project templates, which `stackcanvas init` copies, and the demo."""
