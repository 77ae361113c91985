"""The owner's own figures of a day, judged, and what they go together with."""
