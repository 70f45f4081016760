"""The guards of the product, each with the tests that must fail without it."""

from tests.mutations import chunks, ends, lanes, slots

MUTATIONS = (*chunks.MUTATIONS, *slots.MUTATIONS, *ends.MUTATIONS, *lanes.MUTATIONS)
