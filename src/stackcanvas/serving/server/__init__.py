"""The prediction server: closed, so that it answers while everything else is down.

It reads one folder (route document and bundles) and writes one (the prediction log). It knows no database, no
registry and no frames; what it imports is named in the import contracts.
"""
