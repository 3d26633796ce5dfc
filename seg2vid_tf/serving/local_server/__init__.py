"""A stand-in for TensorFlow Serving on laptops and in tests: its doors, versions, batches and errors, in Python."""
