"""The command line: one file per block; commands translate and hold no domain logic."""
