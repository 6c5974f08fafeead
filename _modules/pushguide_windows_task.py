"""
Scheduled tasks of Windows, deployed in stages.

:maturity: new
:platform: Windows
"""

from pushguide.host.run import run_stages
from pushguide.host.types.windows_task import WindowsTask


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

        salt win1 pushguide_windows_task.run share='{module: shop-mail, ...}' stages=prepare
    """
    return run_stages(WindowsTask, share, stages, __salt__, __grains__, __opts__, __context__)
