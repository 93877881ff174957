"""The ground station's Prometheus metrics."""

from prometheus_client import Counter, Gauge, Histogram

FRAMES = Counter("plumewatch_station_frames_total", "Frames whose detections are committed", ["satellite"])
REPEATED = Counter("plumewatch_station_frames_repeated_total", "Frames that came again and were dropped", ["satellite"])
LOOKS_LEFT_OUT = Counter(
    "plumewatch_station_looks_left_out_total",
    "Frames whose detections are kept and could not be tracked",
    ["satellite", "cause"],
)
LOST = Counter("plumewatch_station_frames_lost_total", "Frames that will never be acknowledged", ["satellite", "cause"])
DETECTIONS = Counter("plumewatch_station_detections_total", "Hot points committed", ["satellite"])
SEARCH_S = Histogram(
    "plumewatch_station_detection_seconds",
    "Time the search of one frame took",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
)
COMMITTED_S = Histogram(
    "plumewatch_station_commit_latency_seconds",
    "Wall time from a frame's modelled arrival until its detections were committed",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0),
)
TRACK_S = Histogram(
    "plumewatch_station_tracking_seconds",
    "Time tracking and alerting took for one batch",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5),
)
ALERTS = Counter("plumewatch_station_alert_revisions_total", "Alert revisions written", ["state"])
PUBLISHED_S = Histogram(
    "plumewatch_station_publish_latency_seconds",
    "Wall time from the modelled arrival of the frame behind an alert revision to the broker's acknowledgement",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0),
)
BROKER_CONNECTED = Gauge("plumewatch_station_broker_connected", "1 while the broker is connected")
ALERTS_WAITING = Gauge("plumewatch_station_alerts_waiting", "Alert revisions the broker has not acknowledged yet")
