"""Pure tensor functions: warp, flow, occlusion, noise. They know nothing of models, data or training."""
