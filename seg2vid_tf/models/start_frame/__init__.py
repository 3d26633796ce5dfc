"""Stage 1: annotation -> start frame, a conditional GAN."""
