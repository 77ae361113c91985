"""The error tree of the alerts; the CLI alone maps it to exit codes."""


class AlertError(Exception):
    """Base of everything the alerts raise on purpose; the message is fit to show its reader."""


class IncidentError(AlertError):
    """An incident cannot be changed that way: already closed, already acknowledged."""


class SigningError(AlertError):
    """A webhook secret is malformed, or a signature does not verify."""


class ChannelError(AlertError):
    """A channel's settings cannot work: a malformed URL, a network that is none, no recipients."""
