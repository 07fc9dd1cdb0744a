"""The records of each block as tables; one file per block."""
