"""Frames that will never arrive, kept until their satellite is told."""

from plumewatch.v1 import downlink_pb2


class Losses:
    """Losses that nobody has been told of yet. node: who tells."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._losses: list[downlink_pb2.FrameLoss] = []

    def __bool__(self) -> bool:
        return bool(self._losses)

    def note(self, sequence: int, cause: downlink_pb2.LossCause, detail: str) -> None:
        """Keep a loss, as one with the one before where the two can be told as one."""
        last = self._losses[-1] if self._losses else None
        if last and (last.cause, last.detail, last.last_sequence + 1) == (cause, detail, sequence):
            last.last_sequence = sequence
        else:
            self._losses.append(
                downlink_pb2.FrameLoss(
                    first_sequence=sequence, last_sequence=sequence, cause=cause, detail=detail, node=self._node
                )
            )

    def taken(self) -> list[downlink_pb2.FrameLoss]:
        """Return all, to be told now."""
        losses, self._losses = self._losses, []
        return losses
