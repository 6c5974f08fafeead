"""
Self-service releases: submit a deployment, watch it, and go back.

Every function answers with plain data. A refusal is ``refused``, ``problems`` and ``retcode`` 1:
nothing was changed. A deployment that did not succeed has ``retcode`` 1 as well, which is also
the exit code of salt-run.

:maturity: new
:depends: SQLAlchemy, Alembic, pydantic
"""

from pushguide.master import door


def _answer(function, unknown, user, work):
    """Refuse unknown arguments, do the work at the desk, and answer with data in any case."""
    return door.answer(function, unknown, work, __opts__, __salt__, __context__, user)


def deploy(module=None, version=None, environment=None, allow_offline=False, wait=True, **unknown):
    """
    Deploy a version of a module to its hosts, through the four stages.

    module
        The module's name, as in the master's pillar under ``pushguide:modules``.

    version
        A version that the module's source has. Quote one that looks like a number twice:
        ``version="'1.10'"``.

    environment
        The environment. The module's default one if not given.

    allow_offline : False
        Deploy to the hosts that answer, and list the others as left out. Hosts that don't
        answer are refused otherwise.

    wait : True
        Wait for the end. With False the answer is the deployment's number at once, and the
        work goes on on the master.

    Returns the deployment with its hosts' outcomes, and a ``summary`` of stages by hosts;
    ``retcode`` is 1 unless it succeeded. ``pushguide.show`` tells every step.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.deploy module=shop-web version=1.4.2
    """
    return _answer(
        deploy,
        unknown,
        __user__,
        lambda desk: desk.start("deploy", module, version, environment, allow_offline, wait),
    )


def rollback(
    module=None, version=None, environment=None, allow_offline=False, wait=True, **unknown
):
    """
    Go back to an earlier version, out of the releases that the hosts have kept.

    module
        The module's name.

    version
        The version to go back to. The one before the live one if not given.

    environment
        The environment. The module's default one if not given.

    allow_offline : False
        Leave out hosts that don't answer, instead of refusing.

    wait : True
        Wait for the end; with False answer with the deployment's number at once.

    Returns what ``deploy`` returns.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.rollback module=shop-web
        salt-run pushguide.rollback module=shop-web version=1.4.1
    """
    return _answer(
        rollback,
        unknown,
        __user__,
        lambda desk: desk.start("rollback", module, version, environment, allow_offline, wait),
    )


def redeploy(
    module=None, version=None, environment=None, allow_offline=False, wait=True, **unknown
):
    """
    Deploy again, into a new release directory, a version that is live already.

    module
        The module's name.

    version
        The version. The live one if not given.

    environment
        The environment. The module's default one if not given.

    allow_offline : False
        Leave out hosts that don't answer, instead of refusing.

    wait : True
        Wait for the end; with False answer with the deployment's number at once.

    Returns what ``deploy`` returns.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.redeploy module=shop-web
    """
    return _answer(
        redeploy,
        unknown,
        __user__,
        lambda desk: desk.start("redeploy", module, version, environment, allow_offline, wait),
    )


def resume(deployment=None, **unknown):
    """
    Drive a deployment on to its end, from wherever it stands: one that was submitted and not
    started, or one whose master went away. Hosts that succeeded are not touched again.

    deployment
        The deployment's number.

    Returns what ``deploy`` returns.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.resume 42
    """
    return _answer(resume, unknown, __user__, lambda desk: desk.resume(deployment))


def plan(
    module=None,
    version=None,
    environment=None,
    kind="deploy",
    allow_offline=False,
    **unknown,
):
    """
    Tell what a deployment would do, without changing anything: hosts, batches, jobs, artifact,
    and risks. What ``deploy`` would refuse is refused here too.

    module
        The module's name.

    version
        The version.

    environment
        The environment. The module's default one if not given.

    kind : deploy
        deploy, rollback or redeploy.

    allow_offline : False
        Leave out hosts that don't answer, instead of refusing.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.plan module=shop-web version=1.4.2
    """
    return _answer(
        plan,
        unknown,
        __user__,
        lambda desk: desk.plan(kind, module, version, environment, allow_offline),
    )


def status(module=None, environment=None, **unknown):
    """
    Say what is live where, since when, and how the last deployment stands.

    module
        Only this module. All by default.

    environment
        Only this environment. All by default.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.status
        salt-run pushguide.status shop-web
    """
    return _answer(status, unknown, __user__, lambda desk: desk.status(module, environment))


def history(module=None, environment=None, limit=20, **unknown):
    """
    List deployments, the newest first.

    module
        Only this module's. All by default.

    environment
        Only this environment's. All by default.

    limit : 20
        How many at the most.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.history shop-web limit=5
    """
    return _answer(
        history, unknown, __user__, lambda desk: desk.history(module, environment, limit)
    )


def show(deployment=None, **unknown):
    """
    Show one deployment: its hosts with their stages, and every step with its outcome, duration
    and detail.

    deployment
        The deployment's number.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.show 42
    """
    return _answer(show, unknown, __user__, lambda desk: desk.show(deployment))


def versions(module=None, environment=None, limit=20, **unknown):
    """
    List the versions that CI has built for a module, the newest first, and which is live.

    module
        The module's name.

    environment
        The environment. The module's default one if not given.

    limit : 20
        How many at the most.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.versions shop-web
    """
    return _answer(
        versions, unknown, __user__, lambda desk: desk.versions(module, environment, limit)
    )


def modules(**unknown):
    """
    List the modules of the master's pillar, with type, environments and hosts; where a template
    is wrong, every problem with its path.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.modules
    """
    return _answer(modules, unknown, __user__, lambda desk: desk.modules())


def setup(files=None, **unknown):
    """
    Create the database, or migrate it to the newest schema; sync the teams' own project types;
    check the master's configuration. Run it after each installation and upgrade.

    files
        A directory of ``file_roots`` to write into what minions sync (``_modules``,
        ``_states``, ``_utils``) and the orchestration files. Not needed where these come
        from a checkout or from gitfs.

    Returns what is there, and ``missing``: what has to be mended still. ``retcode`` is 1 if
    something is missing.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.setup
        salt-run pushguide.setup files=/srv/salt
    """
    return _answer(setup, unknown, __user__, lambda desk: desk.setup(files))
