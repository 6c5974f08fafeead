"""
What pushguide knows on this host, whatever a module's project type.

:maturity: new
:platform: all
"""

from pushguide.host import discovery, facts, orders, unconfirmed
from pushguide.host import standards as code_standards


def inspect(module=None, environment="production", grains=()):
    """
    Say what the master asks before each deployment: which pushguide this host runs, and what
    state a module is in here.

    module
        The module's name.

    environment : production
        The module's environment.

    grains
        The names of grains to tell as well.

    Returns a mapping: ``pushguide`` (version), ``module`` (summary of the journal, or None) and
    ``grains``.

    CLI Example:

    .. code-block:: bash

        salt 'web*' pushguide.inspect shop-web
    """
    return facts.inspect(__opts__, module, environment, __grains__, grains)


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

    Returns what the job would have returned, with ``busy`` (whether a job works on the module
    now), or None if the journal knows nothing of it.

    CLI Example:

    .. code-block:: bash

        salt web1 pushguide.result shop-web production 42
    """
    return facts.result(__opts__, module, environment, deployment)


def files(module, environment="production", full=False):
    """
    Say what lies in the live release of a module, by content: what ``pushguide.plan`` compares.

    module
        The module's name.

    environment : production
        The module's environment.

    full : False
        Tell every file with its size and sha256, and not the digest over all of them alone.

    CLI Example:

    .. code-block:: bash

        salt 'web*' pushguide.files shop-web
    """
    return facts.files(__opts__, module, environment, full)


def standards(module, rules, environment="production"):
    """
    Look at the live release of a module with rules of the code standards: logs that were written
    into it, files that were changed by hand, a directory that has grown. ``pushguide.check`` on the
    master asks this with ``hosts=True``.

    module
        The module's name.

    rules
        The rules: a list of mappings with name, kind, level, and what the kind takes.

    environment : production
        The module's environment.

    Returns a mapping: ``release``, ``version``, ``entries``, ``complete``, ``count`` and
    ``findings`` (of each rule, level, path, and what it is). None where nothing is live.

    CLI Example:

    .. code-block:: bash

        salt web1 pushguide.standards shop '[{name: n, kind: max_files, level: error, at_most: 9}]'
    """
    return code_standards.live_findings(__opts__, module, environment, rules)


def discover(roots=(), named=()):
    """
    Say what runs on this host: Tomcats with their base, ports and Java, services with their unit
    and ports, sites of IIS, scheduled tasks. ``pushguide.inventory`` and ``pushguide.reconcile`` on
    the master ask this. Command lines are not told: they hold passwords.

    roots
        Directories of a module's releases, as its template has them: what serves something below
        one of them has ``is_ours``.

    named
        The names of services to tell of even if they stand still.

    Returns a mapping: ``tomcats``, ``services``, ``sites``, ``tasks``, and ``not_told`` with what
    could not be looked at.

    CLI Example:

    .. code-block:: bash

        salt 'web*' pushguide.discover
    """
    return discovery.discover(__opts__, __salt__, __grains__, roots, named)


def stop(module, environment, deployment, token, reason="", kill_after_seconds=None):
    """
    Tell a running job of a deployment to stop at its next step. ``pushguide.abort`` on the master
    does this; it is of no use by hand, because the master would not know.

    module
        The module's name.

    environment
        The module's environment.

    deployment
        The deployment's number.

    token
        Its fencing token.

    reason
        Why, in words.

    kill_after_seconds
        Kill the job if it has not stopped after this time. It is not waited for if not given.

    Returns what the journal says of the deployment, with ``busy``: whether a job is still at work.

    CLI Example:

    .. code-block:: bash

        salt web1 pushguide.stop shop-web production 42 1767225600
    """
    orders.stop(__opts__, module, environment, deployment, token, reason, kill_after_seconds)
    return facts.result(__opts__, module, environment, deployment)


def confirm(module, environment, deployment, token, by=""):
    """
    Tell a host that waits for it that its new release is confirmed, and that it need not go back.

    module
        The module's name.

    environment
        The module's environment.

    deployment
        The deployment's number.

    token
        Its fencing token.

    by
        Who confirms.

    Returns whether the module is known here.

    CLI Example:

    .. code-block:: bash

        salt web1 pushguide.confirm shop-web production 42 1767225600
    """
    return orders.give(__opts__, module, environment, orders.CONFIRM, deployment, token, by=by)


def settle():
    """
    Go back from releases that nobody has confirmed in time, where the job that waited for it died,
    with its machine for instance. Let the minion's own scheduler call this.

    Returns, of each such module, how that ended.

    CLI Example:

    .. code-block:: bash

        salt-call --local pushguide.settle
    """
    return unconfirmed.settle(__opts__, __salt__)
