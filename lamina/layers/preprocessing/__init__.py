"""Layers that turn raw values (texts, categories, numbers, sounds) into what a network takes."""
