"""What people ask for outside the daemon: compare, check, replay, ping. Nothing here is on a schedule."""
