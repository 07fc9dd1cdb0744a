"""The API that MLflow's clients speak, over the same records as everything else.

`Api` answers its paths before FastAPI sees them, because logging a metric must cost little. Each file of routes has a
table `ROUTES`; a route names a message (what is asked, decoded) and a function that gets the stack and the message and
gives what is answered.
"""
