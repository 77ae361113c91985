"""The store's error tree; the CLI alone maps it to exit codes."""


class StoreError(Exception):
    """Base of everything the state database raises on purpose; the message is fit to show its owner."""


class StoreUnreachable(StoreError):
    """The database cannot be opened, read or written: not there, no permission, disk full, locked too long."""


class SchemaMismatch(StoreError):
    """The database was written by a newer Driftline, or is not one of ours."""


class LeaseLost(StoreError):
    """Another process has become the evaluator: what this one was about to write must not be written."""


class AlreadyEvaluated(StoreError):
    """The ledger holds this key: the window was evaluated before, nothing is to be done."""
