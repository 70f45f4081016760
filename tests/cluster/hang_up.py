"""What a closed terminal means for a program that a test starts."""

import signal


def heed_hang_up() -> None:
    """Undo what `nohup` has done, if the tests run under it; for `preexec_fn`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
