"""Which parameter of an ascent stands where in its vector.

Two models share a layout. From a launch: at rest on the ground until the launch, straight up, then leaning, then along
its way. From a state: somewhere on its way, burning, at the window's first instant.

The deviations are angles of the thrust off that direction: in the plane of flight (upwards), and about the vertical (to
the right); straight between knots in even time; the in-plane ones come first.
"""

# East, north (m) and height (m above the ellipsoid; in the model from a state, up, m) off the reference.
EAST, NORTH, UP = 0, 1, 2
# From a launch: its time (s), the heading (rad, clockwise from north), log of when it begins to lean (s after it).
LAUNCH_TIME, HEADING, LOG_PITCH_OVER = 3, 4, 5
# From a state, in the same places: velocity east, north, up (m/s).
VELOCITY = 3
# Logs of specific thrust in vacuum at the beginning (m/s^2) and of exhaust speed (m/s); log of drag area over the mass
# at the beginning (m^2/kg); the part of the thrust that sea level's pressure takes away.
LOG_THRUST, LOG_EXHAUST, LOG_DRAG, NOZZLE = 6, 7, 8, 9
# From a launch: logs of how far it leans (rad) and how fast (rad/s).
LOG_KICK, LOG_KICK_RATE = 10, 11
# Where the deviations begin.
LAUNCH_KNOTS, STATE_KNOTS = 12, 10
# Of a sensor: rotation of its lines of sight about ITRS axes (rad), and how fast its clock is (s).
BIASES = 4
