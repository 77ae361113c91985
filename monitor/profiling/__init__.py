"""Rows of a log become stored counts: read by the hour, counted on each version's grid, sampled, kept."""
