"""What a program costs, counted by running it without numbers: multiply-adds, other operations, bytes."""

from lamina.kernel.cost.counter import Cost
from lamina.kernel.cost.ledger import Ledger, Place

__all__ = ["Cost", "Ledger", "Place"]
