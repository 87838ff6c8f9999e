"""What the owners of machines have to write so that a schedule may patch them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from patchctl.machines import Machine, Settings

TERRAFORM = """\
  patch_mode                                             = "{mode}"
  patch_assessment_mode                                  = "{assessment}"
  bypass_platform_safety_checks_on_user_schedule_enabled = {bypass}
  reboot_setting                                         = "{reboot}"
"""
BICEP = """\
patchSettings: {{
  patchMode: '{mode}'
  assessmentMode: '{assessment}'
  automaticByPlatformSettings: {{
    bypassPlatformSafetyChecksOnUserSchedule: {bypass}
    rebootSetting: '{reboot}'
  }}
}}
"""
SYSTEMS = {"windows": "windowsConfiguration", "linux": "linuxConfiguration"}


def told(machines: Iterable[Machine], wanted: Settings) -> Iterator[str]:
    """Lines for people: for each operating system its machines, and both ways to set them."""
    found = list(machines)
    values = {
        "mode": wanted.mode,
        "assessment": wanted.assessment,
        "bypass": str(wanted.bypass).lower(),
        "reboot": wanted.reboot,
    }
    for os, configuration in SYSTEMS.items():
        names = [machine.shown for machine in found if machine.os == os]
        if names:
            yield f"To be set by their owners on {', '.join(names)}"
            yield f"Terraform, in azurerm_{os}_virtual_machine:"
            yield TERRAFORM.format(**values)
            yield f"Bicep, in osProfile.{configuration}:"
            yield BICEP.format(**values)
