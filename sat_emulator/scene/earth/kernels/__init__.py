"""The Earth's picture, pixel by pixel. Arguments are checked in background.py.

The plane of the detector is cut into patches of PATCH x PATCH pixels. What a line of sight meets is computed exactly at
nine nodes of each (corners, middles of sides, centre) and is a quadratic in row and column between them; only the
texture is looked up pixel by pixel. Near the limb, where quadratics would stray, patches are cut into smaller ones,
and what holds the limb itself is computed exactly at every pixel.

    looking.py: what one line of sight meets   patches.py: which patches there are   shading.py: their pixels

numba's cache does not see a change in a file that another imports: after one, delete __pycache__ below this folder.
"""
