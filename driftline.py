"""The small public face for notebooks and CI."""
