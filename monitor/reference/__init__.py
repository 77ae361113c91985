"""What a model version is compared with: its baseline's rows and counts, and what its days teach."""
