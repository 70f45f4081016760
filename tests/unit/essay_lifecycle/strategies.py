"""Hypothesis strategies of claims that often concern the same batch and the same content."""

from uuid import UUID

from hypothesis import strategies as st

from essay_lifecycle_service.domain.claims import Claim, claim_of_content, claim_of_failure
from essay_lifecycle_service.domain.placement import Taken
from rollcall_events import (
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
    ValidationErrorCode,
)
from tests.unit.events.strategies import details, file_sizes, identifiers

few_batches = st.sampled_from([UUID(int=number) for number in range(1, 5)])
few_names = st.sampled_from(["a", "b", "c"])

content_claims: st.SearchStrategy[Claim] = st.builds(
    claim_of_content,
    st.builds(
        EssayContentProvisionedV1,
        batch_id=few_batches,
        file_upload_id=few_names,
        original_file_name=identifiers,
        raw_file_storage_id=identifiers,
        text_storage_id=few_names | identifiers,
        file_size_bytes=file_sizes,
        content_md5_hash=st.none() | st.just("9e107d9d372bb6826bd81d3542a419d6"),
    ),
    st.uuids(),
)
failure_claims: st.SearchStrategy[Claim] = st.builds(
    claim_of_failure,
    st.builds(
        EssayValidationFailedV1,
        batch_id=few_batches,
        file_upload_id=few_names | identifiers,
        original_file_name=identifiers,
        raw_file_storage_id=st.none() | identifiers,
        validation_error_code=st.sampled_from(ValidationErrorCode),
        validation_error_detail=details,
        file_size_bytes=file_sizes,
    ),
    st.uuids(),
)
claims = content_claims | failure_claims
taken = st.builds(Taken, claim=claims, position=st.integers(0, 9_999), essay_id=identifiers)
