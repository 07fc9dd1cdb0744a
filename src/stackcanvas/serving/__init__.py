"""Serving: the prediction server, the bundles and routes that it serves, the log that it writes."""
