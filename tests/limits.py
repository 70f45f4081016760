"""What one chunk and one page of the relay may cost, in counts: times belong to a machine, counts do not.

Each limit is what was counted when it was set, with a little room where the count depends on timing.
A change that needs more raises it here, in plain sight, and says why in the decisions.
"""

from typing import Final

CHUNK_RECORDS: Final = 500
"""Contents in the chunk that is counted."""

ROUND_TRIPS_OF_A_CHUNK: Final = 6
"""Client to PostgreSQL and back, connection borrowed and given back, nothing completed."""

ROUND_TRIPS_OF_A_COMPLETION: Final = 3
"""More of them for each batch that the chunk completes."""

CALLS_TO_DECODE_A_RECORD: Final = 6
"""Function calls, Python and C, from the client's record to the decoded event."""

CALLS_TO_ENCODE_AN_EVENT: Final = 18
"""The same from a taken slot to its record in a segment."""

CALLS_OF_A_CHUNK_FOR_EACH_RECORD: Final = 40
"""The same for all that happens to a chunk of decoded records until it is committed."""

RELAY_SEGMENTS: Final = 32
"""Segments in the page that is counted."""

KAFKA_REQUESTS_OF_A_PAGE: Final = 4
"""Requests of one relay page: partitions added, records produced, transaction ended."""

KAFKA_TRANSACTIONS_OF_A_PAGE: Final = 1
