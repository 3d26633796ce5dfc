"""A stand-in for TensorFlow Serving on laptops and in tests: ports, versions, batches and errors, in Python."""
