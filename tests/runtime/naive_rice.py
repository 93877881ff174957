"""Decoder of CCSDS 121.0-B-3 (adaptive Rice coding), bit by bit: slow, obvious, for comparison only."""


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at = 0

    def number(self, width: int) -> int:
        taken = self._bits[self._at : self._at + width]
        assert len(taken) == width, "the stream ends too soon"
        self._at += width
        return int(taken, 2) if width else 0

    def fundamental_sequence(self) -> int:
        """Return the zeros before the next one (section 3.2)."""
        zeros = self._bits.index("1", self._at) - self._at
        self._at += zeros + 1
        return zeros

    @property
    def left(self) -> int:
        return len(self._bits) - self._at


def decode(data: bytes, bits: int, block: int, reference_blocks: int) -> list[int]:
    """Return all samples, the fill of the last block included; basic code options, unit-delay predictor, unsigned."""
    stream, samples = _Bits(data), list[int]()
    # What is left at the end fills the last byte.
    while stream.left >= 8:
        samples += _interval(stream, bits, block, reference_blocks)
    return samples


def _interval(stream: _Bits, bits: int, block: int, reference_blocks: int) -> list[int]:
    id_bits = 3 if bits <= 8 else 4 if bits <= 16 else 5
    samples: list[int] = []
    while len(samples) < block * reference_blocks and stream.left >= 8:
        done = len(samples) // block
        option = stream.number(id_bits)
        extension = stream.number(1) if option == 0 else -1
        mapped: list[int] = []
        if option == (1 << id_bits) - 1:  # no compression, section 3.3; the reference is the first of the samples
            if not samples:
                samples.append(stream.number(bits))
            mapped = [stream.number(bits) for _ in range(block - len(samples) % block)]
        else:
            if not samples:
                samples.append(stream.number(bits))
            count = block - len(samples) % block
            if extension == 0:
                blocks = _zero_blocks(stream.fundamental_sequence() + 1, done, reference_blocks)
                mapped = [0] * (count + (blocks - 1) * block)
            elif extension == 1:
                while len(mapped) < count:
                    pair = _pair(stream.fundamental_sequence())
                    mapped += pair[1:] if (len(mapped) + block - count) % 2 else pair
            else:
                high = [stream.fundamental_sequence() for _ in range(count)]
                mapped = [(part << option - 1) + stream.number(option - 1) for part in high]
        for value in mapped:
            samples.append(_unmapped(value, samples[-1], (1 << bits) - 1))
    return samples


def _zero_blocks(coded: int, done: int, reference_blocks: int) -> int:
    """Return the length of a run of blocks of zeros (table 3-2): five stands for the rest of the segment of 64."""
    if coded == 5:
        return min(reference_blocks - done, 64 - done % 64)
    return coded - 1 if coded > 5 else coded


def _pair(coded: int) -> list[int]:
    """Return the two samples of the second extension (section 3.4): coded = (a + b)(a + b + 1) / 2 + b."""
    total = 0
    while (total + 1) * (total + 2) // 2 <= coded:
        total += 1
    second = coded - total * (total + 1) // 2
    return [total - second, second]


def _unmapped(mapped: int, predicted: int, largest: int) -> int:
    """Return the sample whose difference from its prediction was mapped (section 4.4)."""
    theta = min(predicted, largest - predicted)
    if mapped > 2 * theta:
        return mapped if predicted == theta else largest - mapped
    return predicted - (mapped + 1) // 2 if mapped % 2 else predicted + mapped // 2
