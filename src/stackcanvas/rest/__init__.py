"""REST under /api/v1: one file per block, each a thin translation of the block's calls."""
