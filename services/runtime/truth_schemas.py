"""JSON schemas of the truth, as recordings carry them for those who read them with other programs.

https://json-schema.org, draft 2020-12. Keys carry their units; ITRS is the Earth-fixed frame.
"""

from typing import Any

POSITION: dict[str, Any] = {
    "description": "ITRS, metres",
    "type": "array",
    "items": {"type": "number"},
    "minItems": 3,
    "maxItems": 3,
}
INSTANT: dict[str, Any] = {"description": "UTC, nanoseconds since 1970", "type": "integer"}
CLASS: dict[str, Any] = {"enum": ["ballistic", "glide", "cruise", "space_launch", "static_heat"]}

# One object over the whole run.
TRUTH: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "plumewatch.Truth",
    "type": "object",
    "required": ["object_id", "class", "launch_time_unix_ns", "launch", "track", "first_detectable_unix_ns"],
    "properties": {
        "object_id": {"type": "string"},
        "class": CLASS,
        "launch_time_unix_ns": INSTANT,
        "launch": {
            "type": "object",
            "required": ["latitude_deg", "longitude_deg"],
            "properties": {
                "latitude_deg": {"type": "number"},
                "longitude_deg": {"type": "number"},
                "height_m": {"description": "above the WGS 84 ellipsoid", "type": "number"},
            },
        },
        "track": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["time_unix_ns", "position_itrs_m"],
                "properties": {"time_unix_ns": INSTANT, "position_itrs_m": POSITION},
            },
        },
        "first_detectable_unix_ns": {
            "description": "end of read-out of the first frame on which it can be found; null: never",
            "type": ["integer", "null"],
        },
    },
}

# One frame: what shines on its detector.
FRAME_TRUTH: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "plumewatch.FrameTruth",
    "type": "object",
    "required": ["satellite_id", "sequence", "time_unix_ns", "objects"],
    "properties": {
        "satellite_id": {"type": "string"},
        "sequence": {"type": "integer", "minimum": 0},
        "time_unix_ns": {"description": "middle of the exposure; UTC, nanoseconds since 1970", "type": "integer"},
        "objects": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["object_id", "class", "row", "column"],
                "properties": {
                    "object_id": {"type": "string"},
                    "class": CLASS,
                    "row": {"description": "pixels from 0 at the top; centres are whole numbers", "type": "number"},
                    "column": {"description": "pixels from 0 at the left", "type": "number"},
                    "snr": {"description": "signal over noise", "type": ["number", "null"]},
                    "scnr": {"description": "signal over clutter and noise", "type": ["number", "null"]},
                    "radiant_intensity_w_per_sr": {
                        "description": "in the band, before the atmosphere",
                        "type": "number",
                    },
                    "irradiance_w_per_m2": {"description": "in the band, at the aperture", "type": "number"},
                    "position_itrs_m": POSITION,
                },
            },
        },
    },
}
