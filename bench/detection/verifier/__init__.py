"""Training of the verifier of single pictures' candidates; needs PyTorch, which the product does not."""
