"""What is measured at each hot point: its extent, sub-pixel place, covariance and amplitude."""
