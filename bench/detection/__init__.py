"""Speed, calibration and recorded imagery of the detection core."""
