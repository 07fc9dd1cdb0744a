"""The one line of migrations, run by `stackcanvas.metadata.migrate`; `draft` writes the next one."""
