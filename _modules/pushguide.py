"""
What pushguide knows on this host, whatever a module's project type.

:maturity: new
:platform: all
"""

from pushguide.host import facts


def inspect(module=None, environment="production"):
    """
    Say what the master asks before each deployment: which pushguide this host runs, and what
    state a module is in here.

    module
        The module's name.

    environment : production
        The module's environment.

    Returns a mapping: ``pushguide`` (version) and ``module`` (summary of the journal, or None).

    CLI Example:

    .. code-block:: bash

        salt 'web*' pushguide.inspect shop-web
    """
    return facts.inspect(__opts__, module, environment)


def releases(module=None):
    """
    List the releases that are kept on this host, with their marks: good, bad or unproven.

    module
        Only this module's. All by default.

    CLI Example:

    .. code-block:: bash

        salt 'web*' pushguide.releases shop-web
    """
    return facts.releases(__opts__, module)


def current(module=None):
    """
    Say which version of each module is live on this host.

    module
        Only this module. All by default.

    Returns a mapping of ``module@environment`` to the version label.

    CLI Example:

    .. code-block:: bash

        salt 'web*' pushguide.current
    """
    return facts.current(__opts__, module)


def journal(module, environment="production"):
    """
    Show the journal of a module: what was done to it on this host, and how to go back.

    module
        The module's name.

    environment : production
        The module's environment.

    CLI Example:

    .. code-block:: bash

        salt web1 pushguide.journal shop-web
    """
    return facts.journal(__opts__, module, environment)


def result(module, environment, deployment):
    """
    Say how a deployment's stages ended on this host, out of the journal. The master asks this
    when the return of a job was lost.

    module
        The module's name.

    environment
        The module's environment.

    deployment
        The deployment's number.

    Returns what the job would have returned, or None if the journal knows nothing of it.

    CLI Example:

    .. code-block:: bash

        salt web1 pushguide.result shop-web production 42
    """
    return facts.result(__opts__, module, environment, deployment)
