"""Training of both stages under tf.distribute."""
