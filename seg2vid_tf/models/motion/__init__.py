"""Stage 2: start frame + annotation -> frames, a flow-based conditional VAE."""
