"""`driftline init`: look at a log, guess what is in it, write a first config."""
