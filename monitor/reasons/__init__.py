"""Why the predictions changed: rows read once, a surrogate kept beside the baseline, a finding that tells."""
