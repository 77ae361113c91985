"""Reports from what is stored: gather, render, keep, send.

`write` makes one here and now, `write_apart` in a process of its own; `announce` sends what either has written.
The modules are imported when they are needed: the daemon is small until its first report.
"""
