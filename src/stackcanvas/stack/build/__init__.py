"""One file per block: from the canvas and the backends to the block."""
