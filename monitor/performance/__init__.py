"""Whether a model is right: realised where labels have come, estimated where they have not."""
