"""What the modelled network costs, and how far it is from SGP4, from SciPy's paths and from Starlink as measured."""
