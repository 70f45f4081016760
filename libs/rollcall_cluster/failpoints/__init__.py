"""Runs a command so that it dies or stalls at a failpoint: the one way to arm any."""

from rollcall_cluster.failpoints.arming import Action, Arming, Trigger
from rollcall_cluster.failpoints.command_line import launcher_command
from rollcall_cluster.failpoints.names import FAILPOINTS

__all__ = ["FAILPOINTS", "Action", "Arming", "Trigger", "launcher_command"]
