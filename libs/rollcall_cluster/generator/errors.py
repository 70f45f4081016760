"""Errors of the generator."""


class GeneratorError(Exception):
    """Base of all errors raised by the generator."""


class ImpossiblePlanError(GeneratorError):
    """A plan asks for what cannot be; the message names the knob and its range."""


class CannotProduceError(GeneratorError):
    """Kafka or the content store did not take what was sent; the message says what to do."""
