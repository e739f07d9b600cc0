"""Articles as people write them: the model, the reader and the checks."""
