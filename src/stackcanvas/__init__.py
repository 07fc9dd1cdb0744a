"""The MLOps Stack Canvas that runs: design, run and prove a machine learning stack from one file."""
