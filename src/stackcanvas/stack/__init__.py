"""The composition root: from canvas.yaml to a stack of blocks, and the flows that cross blocks."""
