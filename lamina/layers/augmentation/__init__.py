"""Layers that change images at random, with the boxes, masks and labels that belong to them."""
