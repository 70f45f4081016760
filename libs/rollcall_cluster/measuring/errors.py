"""What ends a measurement early."""

from rollcall.errors import RollcallError


class MeasurementError(RollcallError):
    """The machine, a server or a service did not do what a measurement needs: the message says which."""
