"""`python -m stackcanvas.cli` is the program `stackcanvas`."""

import sys

from stackcanvas.cli.main import main

sys.exit(main())
