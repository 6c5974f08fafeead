"""
Windows services: .NET workers, Java service wrappers, any other program, deployed in stages.

:maturity: new
:platform: Windows
"""

from pushguide.host.run import run_stages
from pushguide.host.types.windows_service import WindowsService


def run(share, stages):
    """
    Run stages of a deployment on this host. The runner ``pushguide.deploy`` calls this.

    share
        This host's share of the plan, as ``pushguide.plan`` shows it.

    stages
        One stage, or some that follow each other: prepare, pre_release, release, post_release.

    Returns the host's outcome, the live version, and every stage with its steps; the return
    code is 1 if a stage failed. Raises an error, and changes nothing, if a newer deployment
    has been here.

    CLI Example:

    .. code-block:: bash

        salt win1 pushguide_windows_service.run share='{module: shop-worker, ...}' stages=prepare
    """
    return run_stages(WindowsService, share, stages, __salt__, __grains__, __opts__, __context__)
