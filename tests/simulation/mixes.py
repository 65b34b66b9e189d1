"""The mixes of faults: what share of the orders comes to nothing clear, and in which ways."""

from collections.abc import Mapping
from dataclasses import replace

from sutler.simulator.faults import Faults

CENT = 10_000.0

# What every upstream of these does now and then, to any call.
_ROUGH = Faults(
    unreachable=0.005,
    rate_limited=0.002,
    too_many_requests=0.003,
    html=0.01,
    empty=0.005,
    null=0.005,
    http_500=0.005,
    http_502=0.005,
    http_504=0.005,
    truncated=0.01,
    cut_off=0.01,
    passing_error=0.002,
    missing_item=0.005,
    latency_seconds=3.0,
)

MIXES: Mapping[str, Faults] = {
    "silence": replace(_ROUGH, request_lost=0.2, answer_lost=0.25, answered_late=0.04),
    "late": replace(_ROUGH, created_late=0.4, request_lost=0.05, answer_lost=0.05, answered_late=0.05),
    "gibberish": Faults(
        html=0.1,
        empty=0.08,
        null=0.05,
        http_500=0.05,
        http_502=0.05,
        http_504=0.05,
        unclear_error=0.05,
        truncated=0.06,
        cut_off=0.06,
        latency_seconds=10.0,
    ),
    "false ids": replace(
        _ROUGH, foreign_id=0.15, repeated_id=0.15, zero_id=0.1, empty_id=0.1, text_id=0.2, nested_id=0.1
    ),
    "false statuses": replace(
        _ROUGH,
        request_lost=0.05,
        answer_lost=0.05,
        created_late=0.2,
        zero_id=0.15,
        jump_back=0.05,
        numeric_status=0.05,
        unknown_status=0.05,
        other_words=0.3,
        null_numbers=0.1,
        thousands=0.2,
        start_counter=0.2,
    ),
    "false counts": replace(
        _ROUGH,
        request_lost=0.05,
        answer_lost=0.05,
        created_late=0.2,
        zero_id=0.15,
        negative_remains=0.05,
        huge_remains=0.05,
        thousands=0.1,
    ),
    "refusals": replace(
        _ROUGH,
        request_lost=0.15,
        answer_lost=0.15,
        created_late=0.15,
        declined=0.02,
        unreachable=0.03,
        too_many_requests=0.01,
        dialect=0.5,
    ),
    # What such an answer says was refused was placed all the same in some cases, at once or late.
    "unknown words": replace(
        _ROUGH,
        unclear_error=0.3,
        done_share=0.2,
        refused_late=0.1,
        request_lost=0.05,
        answer_lost=0.05,
        created_late=0.05,
    ),
    "everything": replace(
        _ROUGH,
        request_lost=0.1,
        answer_lost=0.1,
        created_late=0.1,
        answered_late=0.03,
        declined=0.003,
        foreign_id=0.05,
        repeated_id=0.05,
        zero_id=0.05,
        empty_id=0.05,
        unclear_error=0.02,
        jump_back=0.02,
        unknown_status=0.02,
        other_words=0.1,
        passing_error=0.005,
        text_id=0.05,
    ),
    "rounded": replace(
        _ROUGH,
        request_lost=0.15,
        answer_lost=0.15,
        created_late=0.1,
        unclear_error=0.05,
        refused_late=0.02,
        charge_step_micros=CENT,
    ),
}
# More than any panel does, for the negative controls: few orders must show what a bug does.
SEVERE: Mapping[str, Faults] = {
    "answers lost": Faults(answer_lost=0.4, latency_seconds=3.0),
    "made late": Faults(created_late=0.5, latency_seconds=3.0),
    "refused and made": Faults(unclear_error=0.4, refused_late=0.2, latency_seconds=3.0),
}
# Where what remains is told falsely, the customer's refund follows the lie.
LIES_ABOUT_REMAINS = frozenset({"false counts"})
# Where charges are rounded, one that is told may be ours by chance, to the fifth decimal.
ROUNDED = frozenset({"rounded"})
# When the storm is over: only what any panel does now and then.
QUIET = Faults(latency_seconds=1.0, passing_error=0.002, missing_item=0.005)
# A denial of every second order that is there, for the control that takes one denial for proof.
DENYING = Faults(latency_seconds=1.0, passing_error=0.5)
