"""The daemon's parts: its two rounds, its chores, its signs of life, what it delivers through."""
