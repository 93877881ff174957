"""The matched filter over a whole frame."""
