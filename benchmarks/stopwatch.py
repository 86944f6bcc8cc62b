"""What a call costs."""

import statistics
import time


def median_cpu(call, calls):
    """Milliseconds of CPU time, after one call that is not counted."""
    call()
    times = []
    for _ in range(calls):
        began = time.process_time()
        call()
        times.append((time.process_time() - began) * 1e3)
    return statistics.median(times)
