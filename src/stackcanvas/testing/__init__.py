"""Conformance suites for backends, and helpers for tests of stacks."""
