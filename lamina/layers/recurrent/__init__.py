"""Layers that go over time, and the wrappers around them."""
