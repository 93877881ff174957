"""What the kernels' arrays hold, by position."""

import numpy as np

# Sides of patches, pixels; nodes lie half a side apart.
PATCH, MEDIUM, SMALL = 32, 16, 8
PIXELS = PATCH * PATCH
# A quadratic over nodes h pixels apart strays by h^3 / (8 n^2) pixels, n pixels from the limb: so far from it each size
# of patch may be drawn as a whole, by less than 0.05 of a pixel beside the truth; within the last 13 by 0.5 at most.
FROM_LIMB_PX = (100.0, 36.0, 4.0)
# A pixel at the limb spreads without end; from here on it is taken as 50 times as long as wide, and
# as 7 times its width on the geometric mean of both, by which texture is averaged.
LEAST_COSINE = 0.02
# Squares of the cloud's fine field whose extremes are known, elements; what cloud does to a patch.
BOUND_SIDE = 16
CLEAR, COVERED, MIXED = range(3)
# What a line of sight meets.
SPACE, AIR, GROUND = 0.0, 1.0, 2.0
# What is known of a node, in this order: what it meets, cosine of the zenith angle there, distance (m), the ray's
# lowest height (m); north and east (m) where it meets the ground and where the cloud's height; values of the coarse
# fields; radiance, as mean and slope over texture, of sea, land and cloud; the pixel's solid angle over the
# boresight's.
KIND, COSINE, DISTANCE, LOWEST, NORTH, EAST, CLOUD_NORTH, CLOUD_EAST = range(8)
LAND, TEXTURE, CLOUD, SEA_MEAN, SEA_SLOPE, LAND_MEAN, LAND_SLOPE, CLOUD_MEAN, CLOUD_SLOPE, WEIGHT = range(8, 18)
VALUES = 18
# Of the polynomials along a row: three for each value from NORTH to before WEIGHT.
COEFFICIENTS = 39
# Columns of the table over cosines.
G_THROUGH, G_OWN, C_THROUGH, C_OWN, LAND_EMITTED, LAND_EMITTED_SLOPE, WATER, HIDDEN = range(8)
# Scalars, in this order.
(S_RADIUS, S_IFOV, S_COARSE_TEXEL, S_CLOUD_TOP, S_LAND_AT, S_LAND_STEEP, S_CLOUD_AT, S_CLOUD_STEEP, S_SEA_EMITTED,
 S_SEA_SLOPE, S_CLOUD_EMITTED, S_CLOUD_SLOPE, S_LAND_LIT, S_CLOUD_LIT, S_SUN, S_REFLECTANCE_SIGMA, S_SLOPE_VARIANCE,
 S_LIMB_STEP, S_GROUND_STEP, S_CLOUD_STEP, S_TEXEL_NORTH, S_TEXEL_EAST) = range(22)  # fmt: skip
SCALARS = 22

F = np.float32
U32 = np.uint32
I32 = np.int32
# Freedoms that leave NaN and infinity alone.
FAST = {"contract", "reassoc", "nsz"}
