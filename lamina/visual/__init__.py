"""Summaries, graph pictures and plots."""
