"""How fast light is."""

# In vacuum, metres a second; exact by the definition of the metre.
LIGHT_M_PER_S = 299_792_458.0
