"""`pegwarden status`: the same as `pegwarden control status`."""

from signer.cli.control_service import status_command

command = status_command
