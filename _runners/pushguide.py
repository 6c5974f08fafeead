"""
Self-service releases: submit a deployment, watch it, and go back.

Every function answers with plain data. A refusal is ``refused``, ``problems`` and ``retcode`` 1:
nothing was changed. A deployment that did not succeed has ``retcode`` 1 as well, which is also
the exit code of salt-run.

:maturity: new
:depends: SQLAlchemy, Alembic, pydantic
"""

from pushguide.master import door


def _answer(function, unknown, user, work, **about):
    """Refuse unknown arguments and who may not, do the work at the desk, and answer with data in
    any case."""
    return door.answer(function, unknown, work, __opts__, __salt__, __context__, user, about)


def deploy(
    module=None,
    version=None,
    environment=None,
    allow_offline=False,
    wait=True,
    strategy=None,
    force=False,
    at=None,
    test=False,
    override_freeze=None,
    **unknown,
):
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

    strategy
        What differs from the template's strategy for this deployment, such as
        ``{batch: 10%, canary: 1}``. The template says what may differ (``may_change``).

    force : False
        Take a version that is marked bad all the same.

    at
        When to start, with date, time and zone: ``2026-11-24T03:00+08:00``. The engine of a master
        starts it then.

    test : False
        Answer with the plan, and change nothing.

    override_freeze
        Why it goes on although it is frozen. Takes a maintainer.

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
        lambda desk: desk.deployments.start(
            "deploy",
            module,
            version,
            environment,
            desk.options(allow_offline, wait, strategy, force, at, test, override_freeze),
        ),
        module=module,
        version=version,
        environment=environment,
        allow_offline=allow_offline,
        strategy=strategy,
        force=force,
        at=at,
        override_freeze=override_freeze,
    )


def rollback(
    module=None,
    version=None,
    environment=None,
    allow_offline=False,
    wait=True,
    strategy=None,
    force=False,
    at=None,
    test=False,
    override_freeze=None,
    **unknown,
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

    strategy
        What differs from the template's strategy for this deployment, such as
        ``{batch: 10%, canary: 1}``. The template says what may differ (``may_change``).

    force : False
        Take a version that is marked bad all the same.

    at
        When to start, with date, time and zone: ``2026-11-24T03:00+08:00``. The engine of a master
        starts it then.

    test : False
        Answer with the plan, and change nothing.

    override_freeze
        Why it goes on although it is frozen. Takes a maintainer.

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
        lambda desk: desk.deployments.start(
            "rollback",
            module,
            version,
            environment,
            desk.options(allow_offline, wait, strategy, force, at, test, override_freeze),
        ),
        module=module,
        version=version,
        environment=environment,
        allow_offline=allow_offline,
        strategy=strategy,
        force=force,
        at=at,
        override_freeze=override_freeze,
    )


def redeploy(
    module=None,
    version=None,
    environment=None,
    allow_offline=False,
    wait=True,
    strategy=None,
    force=False,
    at=None,
    test=False,
    override_freeze=None,
    **unknown,
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

    strategy
        What differs from the template's strategy for this deployment, such as
        ``{batch: 10%, canary: 1}``. The template says what may differ (``may_change``).

    force : False
        Take a version that is marked bad all the same.

    at
        When to start, with date, time and zone: ``2026-11-24T03:00+08:00``. The engine of a master
        starts it then.

    test : False
        Answer with the plan, and change nothing.

    override_freeze
        Why it goes on although it is frozen. Takes a maintainer.

    Returns what ``deploy`` returns.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.redeploy module=shop-web
    """
    return _answer(
        redeploy,
        unknown,
        __user__,
        lambda desk: desk.deployments.start(
            "redeploy",
            module,
            version,
            environment,
            desk.options(allow_offline, wait, strategy, force, at, test, override_freeze),
        ),
        module=module,
        version=version,
        environment=environment,
        allow_offline=allow_offline,
        strategy=strategy,
        force=force,
        at=at,
        override_freeze=override_freeze,
    )


def resume(deployment=None, reason=None, wait=True, **unknown):
    """
    Drive a deployment on to its end, from wherever it stands: one that is paused, one that was
    submitted and not started, or one whose master went away. Hosts that succeeded are not touched
    again.

    deployment
        The deployment's number.

    reason
        Why, for the record.

    wait : True
        Drive it to its end here; with False it goes on in the background.

    Returns what ``deploy`` returns.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.resume 42
    """
    return _answer(
        resume,
        unknown,
        __user__,
        lambda desk: desk.deployments.resume(deployment, reason, wait),
        deployment=deployment,
        reason=reason,
    )


def abort(deployment=None, reason=None, rollback=False, wait=True, **unknown):
    """
    Stop a deployment at the next step. Hosts that are half-way go back to what ran before; those
    that were done stay, unless a rollback is asked for; those that had not begun are not touched.

    deployment
        The deployment's number.

    reason
        Why, for the record and for those who wonder.

    rollback : False
        Put back the hosts that were done as well, by a rollback that is linked to the deployment.

    wait : True
        Wait until it has stopped. With False the answer comes at once.

    Returns the deployment with the state of every host; ``retcode`` is 0 if it is aborted.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.abort 42 reason='orders fail'
    """
    return _answer(
        abort,
        unknown,
        __user__,
        lambda desk: desk.deployments.abort(deployment, reason, rollback, wait),
        deployment=deployment,
        reason=reason,
        rollback=rollback,
    )


def pause(deployment=None, reason=None, wait=True, **unknown):
    """
    Let the running batch end, and begin no other one until somebody resumes.

    deployment
        The deployment's number.

    reason
        Why, for the record.

    wait : True
        Wait until it stands still. With False the answer comes at once.

    Returns the deployment with the state of every host; ``retcode`` is 0 if it is paused.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.pause 42
    """
    return _answer(
        pause,
        unknown,
        __user__,
        lambda desk: desk.deployments.pause(deployment, reason, wait),
        deployment=deployment,
        reason=reason,
    )


def confirm(deployment=None, reason=None, wait=True, **unknown):
    """
    Say that what was deployed so far is right. A deployment that waits after its canary goes on;
    hosts that would go back by themselves (``confirm_within_seconds``) stay.

    deployment
        The deployment's number.

    reason
        What was looked at, for the record.

    wait : True
        Drive it to its end here, if nobody does; with False it goes on in the background.

    Returns the deployment with the state of every host.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.confirm 42
    """
    return _answer(
        confirm,
        unknown,
        __user__,
        lambda desk: desk.deployments.confirm(deployment, reason, wait),
        deployment=deployment,
        reason=reason,
    )


def retry(
    deployment=None,
    allow_offline=False,
    wait=True,
    strategy=None,
    override_freeze=None,
    **unknown,
):
    """
    Deploy again to the hosts on which a deployment did not succeed, those that were never started
    and those that were left out included, and to no others. It is a new deployment, linked to the
    old one.

    deployment
        The number of a deployment that has ended.

    allow_offline : False
        Leave out hosts that don't answer, instead of refusing.

    wait : True
        Wait for the end; with False answer with the new deployment's number at once.

    strategy
        What differs from the template's strategy.

    override_freeze
        Why it goes on although it is frozen. Takes a maintainer.

    Returns what ``deploy`` returns, for the new deployment.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.retry 42
    """
    return _answer(
        retry,
        unknown,
        __user__,
        lambda desk: desk.deployments.retry(
            deployment,
            desk.options(allow_offline, wait, strategy, override_freeze=override_freeze),
        ),
        deployment=deployment,
        allow_offline=allow_offline,
        strategy=strategy,
        override_freeze=override_freeze,
    )


def approve(deployment=None, reason=None, wait=True, **unknown):
    """
    Let a deployment start that waits for an approval (``approval`` of its template). Where several
    people have to approve, the last one does.

    deployment
        The deployment's number.

    reason
        Why, for the record.

    wait : True
        Drive it to its end here; with False it goes on in the background.

    Returns the deployment with the state of every host.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.approve 42
    """
    return _answer(
        approve,
        unknown,
        __user__,
        lambda desk: desk.deployments.approve(deployment, reason, wait),
        deployment=deployment,
        reason=reason,
    )


def reject(deployment=None, reason=None, **unknown):
    """
    End a deployment that waits for an approval. Nothing has been changed for it.

    deployment
        The deployment's number.

    reason
        Why, for the record and for who asked.

    Returns the deployment; ``retcode`` is 0 if it is aborted.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.reject 42 reason='not before the sale'
    """
    return _answer(
        reject,
        unknown,
        __user__,
        lambda desk: desk.deployments.reject(deployment, reason),
        deployment=deployment,
        reason=reason,
    )


def mark(module=None, version=None, value=None, environment=None, reason=None, **unknown):
    """
    Mark a version good or bad in an environment. A bad one is passed over by automatic choice, and
    who wants it has to say ``force=True``.

    module
        The module's name.

    version
        The version.

    value
        good or bad.

    environment
        The environment. The module's default one if not given.

    reason
        Why.

    Returns the mark, with who set it, when and why.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.mark shop-web 1.4.2 bad reason='leaks connections'
    """
    return _answer(
        mark,
        unknown,
        __user__,
        lambda desk: desk.deployments.mark(module, version, value, environment, reason),
        module=module,
        version=version,
        environment=environment,
        value=value,
        reason=reason,
    )


def plan(
    module=None,
    version=None,
    environment=None,
    kind="deploy",
    allow_offline=False,
    strategy=None,
    force=False,
    **unknown,
):
    """
    Tell what a deployment would do, without changing anything: hosts, batches, jobs, steps, the
    artifact and what has to be moved, which files differ on each host, what is not as the record
    says, how long it should take, and the risks. What ``deploy`` would refuse is refused here too.

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

    strategy
        What differs from the template's strategy.

    force : False
        Take a version that is marked bad all the same.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.plan module=shop-web version=1.4.2
    """
    return _answer(
        plan,
        unknown,
        __user__,
        lambda desk: desk.deployments.plan(
            kind,
            module,
            version,
            environment,
            desk.options(allow_offline=allow_offline, strategy=strategy, force=force),
        ),
        module=module,
        version=version,
        environment=environment,
        kind=kind,
    )


def check(module=None, version=None, environment=None, hosts=False, **unknown):
    """
    Hold a version against the code standards before any host is touched. Of a zip only its
    directory is read, and the beginnings of a few files.

    module
        The module's name.

    version
        The version. With ``hosts=True`` it may be left out.

    environment
        The environment. The module's default one if not given.

    hosts : False
        Look at the live release of each host as well: logs that were written into it, files that
        were changed by hand, a directory that has grown.

    Returns ``errors``, ``warnings``, ``waived`` (with who, why and until when), and
    ``not_looked_into``; ``retcode`` is 1 if errors are left.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.check module=shop-web version=1.4.2
        salt-run pushguide.check module=shop-web hosts=True
    """
    return _answer(
        check,
        unknown,
        __user__,
        lambda desk: desk.standards.check(module, version, environment, hosts),
        module=module,
        version=version,
        environment=environment,
    )


def waive(module=None, rule=None, until=None, reason=None, path=None, **unknown):
    """
    Let the findings of a rule of the code standards pass for a while. They are told still, with who
    waived them, until when and why.

    module
        The module's name.

    rule
        The rule's name, as ``pushguide.check`` tells it.

    until
        The last day, in UTC, or a moment with its zone; a year ahead at the most.

    reason
        Why.

    path
        Only findings at this path, or below it; a pattern. All by default.

    Returns the waiver, with its ``id``.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.waive shop-web rule=no-keystores until=2027-01-31 reason='public CAs'
    """
    return _answer(
        waive,
        unknown,
        __user__,
        lambda desk: desk.standards.waive(module, rule, until, reason, path),
        module=module,
        rule=rule,
        until=until,
        path=path,
        reason=reason,
    )


def waivers(module=None, **unknown):
    """
    List what is and was waived, the newest first.

    module
        Only this module's. All by default.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.waivers shop-web
    """
    return _answer(
        waivers, unknown, __user__, lambda desk: desk.standards.waivers(module), module=module
    )


def unwaive(id=None, reason=None, **unknown):  # noqa: A002 - what people give is the id
    """
    End a waiver before its time.

    id
        The waiver's number.

    reason
        Why.

    Returns the waiver.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.unwaive 7 reason='the store is gone'
    """
    return _answer(
        unwaive,
        unknown,
        __user__,
        lambda desk: desk.standards.unwaive(id, reason),
        id=id,
        reason=reason,
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
    return _answer(
        status,
        unknown,
        __user__,
        lambda desk: desk.questions.status(module, environment),
        module=module,
        environment=environment,
    )


def history(
    module=None,
    environment=None,
    limit=20,
    state=None,
    kind=None,
    person=None,
    version=None,
    host=None,
    since=None,
    until=None,
    before=None,
    **unknown,
):
    """
    List deployments, the newest first.

    module
        Only this module's.

    environment
        Only this environment's.

    limit : 20
        How many at the most.

    state
        Only those in this state, or in one of a list of states.

    kind
        Only deploy, rollback or redeploy.

    person
        Only what this person asked for.

    version
        Only of this version.

    host
        Only those that went to this host.

    since
        Only from this moment on, with date, time and zone: ``2026-11-24T03:00+08:00``.

    until
        Only before this moment.

    before
        Only those with a lower number: the next page.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.history shop-web limit=5
        salt-run pushguide.history state=failed since=2026-11-24T00:00+08:00
    """
    given = {
        "module": module,
        "environment": environment,
        "state": state,
        "kind": kind,
        "person": person,
        "version": version,
        "host": host,
        "since": since,
        "until": until,
        "before": before,
    }
    return _answer(
        history,
        unknown,
        __user__,
        lambda desk: desk.questions.history(limit, given),
        module=module,
        environment=environment,
    )


def overview(**unknown):
    """
    Show every module that you may see, as it stands: what is live in each environment, the last
    deployment and how its hosts ended, what is frozen, what you may do; and every deployment that
    has not ended. It is what a front end begins with.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.overview
    """
    return _answer(overview, unknown, __user__, lambda desk: desk.pages.overview())


def hosts(module=None, look=False, **unknown):
    """
    Show what runs on which host, by the record, and how its last deployments ended there.

    module
        Only the hosts of this module.

    look : False
        Ask every host as well, whether it answers and what it says that is live.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.hosts shop-web look=True
    """
    return _answer(
        hosts, unknown, __user__, lambda desk: desk.pages.hosts(module, look), module=module
    )


def locks(**unknown):
    """
    List the modules that are locked by a deployment: since when, and who drives it, if anybody
    does.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.locks
    """
    return _answer(locks, unknown, __user__, lambda desk: desk.questions.locks())


def compare(deployment=None, with_deployment=None, **unknown):
    """
    Show what differs between two deployments: their plans, what became of each host, and how long
    the stages took.

    deployment
        The number of the one.

    with_deployment
        The number of the other.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.compare 41 42
    """
    return _answer(
        compare,
        unknown,
        __user__,
        lambda desk: desk.questions.compare(deployment, with_deployment),
        deployment=deployment,
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
    return _answer(
        show, unknown, __user__, lambda desk: desk.questions.show(deployment), deployment=deployment
    )


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
        versions,
        unknown,
        __user__,
        lambda desk: desk.questions.versions(module, environment, limit),
        module=module,
        environment=environment,
    )


def index(module=None, version=None, environment=None, **unknown):
    """
    Write the index of a version that can only be read as a whole (tar.gz and the like), so that
    hosts which have an earlier version fetch only what changed. The template says where
    (``index``). For a zip there is nothing to prepare.

    module
        The module's name.

    version
        The version.

    environment
        The environment whose source is meant. The module's default one if not given.

    Returns ``version``, ``artifact_bytes``, ``files``, and path and length of index and pack.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.index module=shop-portal version=1.4.2
    """
    return _answer(
        index,
        unknown,
        __user__,
        lambda desk: desk.deployments.index(module, version, environment),
        module=module,
        version=version,
        environment=environment,
    )


def announce(
    module=None,
    version=None,
    sha256=None,
    author=None,
    commit=None,
    notes=None,
    built=None,
    **unknown,
):
    """
    Say that CI has built a version. What is said completes what the source knows of it, and a
    sha256 counts as the published one. The template may want it deployed at once
    (``deploy_on_build``). Said again it changes nothing; another sha256 is refused.

    module
        The module's name.

    version
        The version, as text.

    sha256
        The checksum of the artifact, in hexadecimal.

    author
        Who made it.

    commit
        What it was built from.

    notes
        What is new in it.

    built
        When, with date, time and zone.

    Returns what is known of the build, ``new``, and the ``deployment`` that it has begun. Where
    that was refused the announcement is kept: ``problems`` says why, and ``retcode`` is 1. Said
    again, it tries again.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.announce shop-web 1.4.2 author=li commit=8a1f0c2
    """
    said = {"sha256": sha256, "author": author, "commit": commit, "notes": notes, "built": built}
    return _answer(
        announce,
        {},  # what is unknown is refused there, where machines are told
        __user__,
        lambda desk: desk.announcements.announce(module, version, **unknown, **said),
        module=module,
        version=version,
    )


def inventory(module=None, environment=None, **unknown):
    """
    Tell what is known of each host of a module: each value that differs from host to host, who says
    so, how old that is, and who was overruled.

    module
        The module's name.

    environment
        The environment. The module's default one if not given.

    Returns a mapping: ``hosts`` (of each ``values`` and the names that are ``missing``),
    ``problems`` and ``notes``; ``retcode`` is 1 if something is missing or wrong.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.inventory shop-web
    """
    return _answer(
        inventory,
        unknown,
        __user__,
        lambda desk: desk.stocktaking.inventory(module, environment),
        module=module,
        environment=environment,
    )


def reconcile(module=None, environment=None, **unknown):
    """
    Hold what is claimed of the hosts of a module against what runs there.

    module
        The module's name.

    environment
        The environment. The module's default one if not given.

    Returns a mapping: ``hosts`` (of each its ``values``, with ``outcome``, ``claimed``, ``by`` and
    ``found``), ``count`` of each outcome, ``problems`` and ``notes``. ``retcode`` is 1 if something
    differs, was not found, or if a host does not answer.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.reconcile shop-web environment=staging
    """
    return _answer(
        reconcile,
        unknown,
        __user__,
        lambda desk: desk.stocktaking.reconcile(module, environment),
        module=module,
        environment=environment,
    )


def modules(**unknown):
    """
    List the modules of the master's pillar, with type, environments and hosts; where a template
    is wrong, every problem with its path.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.modules
    """
    return _answer(modules, unknown, __user__, lambda desk: desk.questions.modules())


def template_save(module=None, template=None, revision=None, reason=None, test=False, **unknown):
    """
    Keep a template in the database: a new one, or a new revision of one. The template is looked at
    as a whole first, and every problem is told. See ``docs/templates-in-the-database.md``.

    module
        The module's name. A name that the pillar has is refused.

    template
        The template: a mapping, or YAML of what stands under the module's name in a pillar, or of
        the whole of it from ``pushguide:`` on.

    revision
        The revision that the edit began with: if somebody has changed the template meanwhile, it
        is refused, with the difference. Left out for a new template.

    reason
        Why, so that others know.

    test : False
        Answer with the difference, and change nothing.

    Takes a maintainer of the module in all its environments, or of the team that a new template
    names; whoever changes its people or team has to be an admin there.

    Returns the new revision.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.template_save shop-web "$(cat shop-web.yaml)" reason='New site'
        salt-run pushguide.template_save shop-web "$(cat new.yaml)" revision=1 reason=More
    """
    return _answer(
        template_save,
        unknown,
        __user__,
        lambda desk: desk.editing.save(module, template, revision, reason, test),
        module=module,
        template=template,
        revision=revision,
        reason=reason,
        test=test,
    )


def template_restore(module=None, revision=None, reason=None, **unknown):
    """
    Make an earlier revision of a template in the database the newest one again. A deleted template
    comes back by it.

    module
        The module's name.

    revision
        The revision: see ``pushguide.template_history``.

    reason
        Why, so that others know.

    Returns the new revision.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.template_restore shop-web revision=1 reason='Too early'
    """
    return _answer(
        template_restore,
        unknown,
        __user__,
        lambda desk: desk.editing.restore(module, revision, reason),
        module=module,
        revision=revision,
        reason=reason,
    )


def template_delete(module=None, revision=None, reason=None, **unknown):
    """
    Delete a template in the database. Its revisions stay, and ``pushguide.template_restore`` brings
    it back; the hosts and the record stay as they are. Refused while a deployment of the module has
    not ended.

    module
        The module's name.

    revision
        The newest revision, as you know it.

    reason
        Why, so that others know.

    Returns the revision that says so.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.template_delete shop-web revision=2 reason='The shop is closed'
    """
    return _answer(
        template_delete,
        unknown,
        __user__,
        lambda desk: desk.editing.delete(module, revision, reason),
        module=module,
        revision=revision,
        reason=reason,
    )


def template_validate(module=None, template=None, **unknown):
    """
    Look at a template as ``pushguide.template_save`` would, and keep nothing.

    module
        The module's name.

    template
        The template, as ``pushguide.template_save`` takes it.

    Returns ``problems``, each with its path; ``retcode`` is 1 if there are any.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.template_validate shop-web "$(cat shop-web.yaml)"
    """
    return _answer(
        template_validate,
        unknown,
        __user__,
        lambda desk: desk.editing.validate(module, template),
        module=module,
        template=template,
    )


def template_show(
    module=None, environment=None, revision=None, explain=False, text=False, **unknown
):
    """
    Show the template of a module, wherever it stands.

    module
        The module's name.

    environment
        Show it in full in this environment, with all defaults.

    revision
        An earlier revision, of one in the database.

    explain : False
        Tell of each value who says it: pushguide's own default, what operations say for all
        modules, for a project type or for an environment, or the template.

    text : False
        Show it as YAML that can be put into a pillar, or saved.

    Returns its ``owner``, ``pillar`` or ``database``, and the template.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.template_show shop-web environment=production explain=True
        salt-run pushguide.template_show shop-web text=True
    """
    return _answer(
        template_show,
        unknown,
        __user__,
        lambda desk: desk.editing.show(module, environment, revision, explain, text),
        module=module,
        environment=environment,
        revision=revision,
    )


def template_list(deleted=False, **unknown):
    """
    List the templates of the modules that you may see: whose they are, and what is wrong with them.

    deleted : False
        Those in the database that were deleted.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.template_list
    """
    return _answer(template_list, unknown, __user__, lambda desk: desk.editing.overview(deleted))


def template_diff(module=None, revision=None, with_revision=None, template=None, **unknown):
    """
    Show what differs between two revisions of a template in the database.

    module
        The module's name.

    revision
        The revision to begin with. The one before the newest if neither is given.

    with_revision
        The revision to hold it against. The newest one if not given.

    template
        A template to hold it against instead, as ``pushguide.template_save`` takes it.

    Returns the ``difference``, as ``diff -u`` tells it.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.template_diff shop-web revision=1 with_revision=2
    """
    return _answer(
        template_diff,
        unknown,
        __user__,
        lambda desk: desk.editing.diff(module, revision, with_revision, template),
        module=module,
        revision=revision,
    )


def template_history(module=None, limit=20, **unknown):
    """
    List the revisions of a template in the database, the newest first: who, when and why.

    module
        The module's name.

    limit : 20
        How many at the most.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.template_history shop-web
    """
    return _answer(
        template_history,
        unknown,
        __user__,
        lambda desk: desk.editing.history(module, limit),
        module=module,
    )


def types(type=None, **unknown):  # noqa: A002 - what people give is the type
    """
    List the project types, each with the JSON Schema of its settings: titles, help, defaults and
    examples, such as a form is drawn from. ``template`` is the schema of a template.

    type
        One project type alone.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.types type=java_web
    """
    return _answer(types, unknown, __user__, lambda desk: desk.editing.types(type))


def health(**unknown):
    """
    Look at everything that deployments rest on: the database (that it answers, has the newest
    schema and takes writes), the clocks of the masters, the file server, the templates, the engines
    and their duties, deployments that nobody drives, the hosts by the monitor, the disk, and
    salt-api.

    Returns ``state`` (``ok``; ``warning``: deployments work; ``failed``: they may not), ``checks``,
    and a ``summary`` to read; ``retcode`` is 1 if something failed.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.health
    """
    return _answer(health, unknown, __user__, lambda desk: desk.health())


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
    return _answer(setup, unknown, __user__, lambda desk: desk.setup(files), files=files)


def grant(
    person=None,
    role=None,
    module=None,
    team=None,
    everything=False,
    reason=None,
    **unknown,
):
    """
    Give somebody a role: on a module, on the modules of a team, or on everything.

    person
        Their name as they log in to salt-api; a group with % before it; or * for whoever logs in.

    role
        viewer, deployer, maintainer or admin. Each may do all that the ones before it may.

    module
        The module.

    team
        Or the team.

    everything : False
        Or everything.

    reason
        Why. It stands in the audit.

    Returns the grant, and whether it is ``new``. Roles that stand in pillar are changed there.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.grant alice deployer module=shop-web reason='new in the team'
    """
    return _answer(
        grant,
        unknown,
        __user__,
        lambda desk: desk.register.grant(person, role, module, team, everything, reason),
        module=module,
        team=team,
        everything=everything,
        person=person,
        role=role,
        reason=reason,
    )


def revoke(id=None, reason=None, **unknown):  # noqa: A002 - what people give is the id
    """
    Take back a role that was given by ``pushguide.grant``.

    id
        The grant's number, by ``pushguide.people``.

    reason
        Why. It stands in the audit.

    Returns the grant.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.revoke 3 reason='left the team'
    """
    return _answer(
        revoke,
        unknown,
        __user__,
        lambda desk: desk.register.revoke(id, reason),
        id=id,
        reason=reason,
    )


def people(module=None, **unknown):
    """
    Say who has which role on what, and where that stands: in the master's pillar, in a template, or
    given by ``pushguide.grant``; and what the caller may do.

    module
        Only what holds for this module. All that the caller may see by default.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.people shop-web
    """
    return _answer(
        people, unknown, __user__, lambda desk: desk.register.people(module), module=module
    )


def audit(
    person=None,
    module=None,
    since=None,
    until=None,
    limit=100,
    before=None,
    verify=False,
    **unknown,
):
    """
    Tell what people did and were refused: who, in which role, when, by which way in, what, what was
    there before and after, and why. The newest first.

    person
        Only what this person did.

    module
        Only what is about this module.

    since
        Only from this moment on, with date, time and zone: ``2026-11-24T03:00+08:00``.

    until
        Only before this moment.

    limit : 100
        How many rows at the most; 100000 to export all.

    before
        Only rows with a lower number: the next page.

    verify : False
        Go through the whole chain of hashes instead, and say whether anything was changed or
        removed. Needs a role on everything. Note the ``head`` elsewhere: a chain that was cut at
        its end, and its head with it, looks whole.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.audit person=alice since=2026-11-24T00:00+08:00
        salt-run pushguide.audit verify=True
    """
    return _answer(
        audit,
        unknown,
        __user__,
        lambda desk: desk.register.audit(person, module, since, until, limit, before, verify),
        module=module,
        verify=verify,
    )


def freeze(
    reason=None,
    module=None,
    team=None,
    everything=False,
    since=None,
    until=None,
    cron=None,
    hours=None,
    zone=None,
    environments=None,
    kinds=None,
    **unknown,
):
    """
    Declare a time at which nothing is deployed, once or again and again.

    reason
        Why, for whoever is refused.

    module
        Of this module.

    team
        Or of the modules of this team.

    everything : False
        Or of all modules.

    since
        Once: from when on, with date, time and zone. At once if not given.

    until
        Once: until when.

    cron
        Again and again: when it begins, as minute, hour, day, month and day of the week.

    hours
        Again and again: how long it lasts.

    zone
        The time zone that ``cron`` is meant in. UTC if not given.

    environments
        Only these environments. All if not given.

    kinds
        What is refused: deploy, redeploy, rollback. The first two if not given.

    Returns the freeze, and until when it holds if it does now.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.freeze module=shop-web until=2099-01-01T08:00+08:00 reason=stocktaking
    """
    return _answer(
        freeze,
        unknown,
        __user__,
        lambda desk: desk.freezing.freeze(
            module,
            team,
            everything,
            {
                "reason": reason,
                "since": since,
                "until": until,
                "cron": cron,
                "hours": hours,
                "zone": zone,
                "environments": environments,
                "kinds": kinds,
            },
        ),
        module=module,
        team=team,
        everything=everything,
        reason=reason,
        since=since,
        until=until,
        cron=cron,
    )


def unfreeze(id=None, reason=None, **unknown):  # noqa: A002 - what people give is the id
    """
    End a freeze that was declared by ``pushguide.freeze`` before its time.

    id
        Its number, by ``pushguide.freezes``.

    reason
        Why. It stands in the audit.

    Returns the freeze.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.unfreeze 3 reason='done earlier'
    """
    return _answer(
        unfreeze,
        unknown,
        __user__,
        lambda desk: desk.freezing.unfreeze(id, reason),
        id=id,
        reason=reason,
    )


def freezes(module=None, **unknown):
    """
    List the freezes, those of the master's pillar too, and say which hold now.

    module
        Only those that are about this module. All that the caller may see by default.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.freezes shop-web
    """
    return _answer(
        freezes, unknown, __user__, lambda desk: desk.freezing.freezes(module), module=module
    )


def quarantine(host=None, module=None, reason=None, until=None, **unknown):
    """
    Keep deployments away from a host. They leave it out and say so, and go on with the others. What
    is under way already goes on.

    host
        The host, one that a template means.

    module
        Keep those of this module away alone. Those of every module by default.

    reason
        Why, for whoever wonders.

    until
        When it ends by itself, with date, time and zone. Somebody has to end it if not given.

    Returns the quarantine.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.quarantine web7 reason='its disk fails'
    """
    return _answer(
        quarantine,
        unknown,
        __user__,
        lambda desk: desk.quarantining.quarantine(host, module, reason, until),
        host=host,
        module=module,
        reason=reason,
        until=until,
    )


def unquarantine(host=None, module=None, reason=None, **unknown):
    """
    Let deployments have a host again. It gets what it has missed with the next one of them.

    host
        The host.

    module
        The module, if it was put in quarantine for that one alone.

    reason
        Why. It stands in the audit.

    Returns the quarantine that has ended.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.unquarantine web7 reason='it has a new disk'
    """
    return _answer(
        unquarantine,
        unknown,
        __user__,
        lambda desk: desk.quarantining.unquarantine(host, module, reason),
        host=host,
        module=module,
        reason=reason,
    )


def quarantines(module=None, **unknown):
    """
    List the hosts that deployments leave out now, with why, by whom and since when.

    module
        Only those that deployments of this module leave out. All by default.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.quarantines
    """
    return _answer(
        quarantines,
        unknown,
        __user__,
        lambda desk: desk.quarantining.quarantines(module),
        module=module,
    )


def notify_test(channel=None, **unknown):
    """
    Send a message to each address of a channel of notifications, now, and tell which of them have
    taken it. The exit code is 1 if one has not.

    channel
        The channel's name, as in the master's configuration under
        ``pushguide:notifications:channels``.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.notify_test operations
    """
    return _answer(
        notify_test,
        unknown,
        __user__,
        lambda desk: desk.notifying.test(channel),
        channel=channel,
    )


def notifications(channel=None, state=None, limit=50, **unknown):
    """
    Tell of which events people were told, the newest first: what has arrived, what is still due
    and why, and what was given up.

    channel
        Of this channel only. All by default.

    state
        Only what is ``pending``, ``delivered`` or ``given_up``. All by default.

    limit : 50
        How many are listed, 1000 at the most. What is counted is all there are.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.notifications state=pending
    """
    return _answer(
        notifications,
        unknown,
        __user__,
        lambda desk: desk.notifying.notifications(channel, state, limit),
        channel=channel,
    )


def token_create(
    name=None,
    public_key=None,
    modules=None,
    environments=None,
    expires=None,
    reason=None,
    **unknown,
):
    """
    Register the public half of a key, whose signatures may then ask for deployments of some modules
    to some environments. CI makes the pair and keeps the private half, which never comes here.

    name
        What the token is called, such as ``shop-ci``. A name is never given twice.

    public_key
        The public half of an Ed25519 key: PEM as ``openssl pkey -pubout`` writes it, or, at the
        command line, what stands between the first and the last line of that.

    modules
        A list of the modules that it may deploy: names, or patterns as a shell has them. It takes a
        maintainer of all of them, now and whenever it is used.

    environments
        A list of the environments that it may deploy to, likewise.

    expires
        When it ends: after days or hours (``90d``, ``12h``), or at a date and time with its zone;
        after 366 days at the most.

    reason
        What it is for, for whoever wonders.

    Returns the token.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.token_create shop-ci public_key="$(cat pushguide.pub)" \\
            modules='[shop-web]' environments='[test]' expires=90d
    """
    return _answer(
        token_create,
        unknown,
        __user__,
        lambda desk: desk.tokens.create(name, public_key, modules, environments, expires, reason),
        name=name,
        modules=modules,
        environments=environments,
        expires=expires,
        reason=reason,
    )


def tokens(module=None, **unknown):
    """
    List the deployment tokens, those that are over included: what each is for, who made it, until
    when it is valid, and when it was used last.

    module
        Only those for this module. All by default, as far as the caller is maintainer of a module
        that they are for.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.tokens
    """
    return _answer(
        tokens, unknown, __user__, lambda desk: desk.tokens.tokens(module), module=module
    )


def token_revoke(name=None, reason=None, **unknown):
    """
    End a deployment token at once. What it has begun goes on.

    name
        The token.

    reason
        Why. It stands in the audit.

    Returns the token.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.token_revoke shop-ci reason='the runner was broken into'
    """
    return _answer(
        token_revoke,
        unknown,
        __user__,
        lambda desk: desk.tokens.revoke(name, reason),
        name=name,
        reason=reason,
    )


def deploy_signed(request=None, signature=None, wait=True, **unknown):
    """
    Deploy what a request asks for that a deployment token has signed. Whoever may call this needs
    no role: the signature is what is looked at. A request is taken once, within five minutes.

    request
        The text of the request, a JSON mapping, or that text as base64: Salt's command line takes
        JSON apart, and base64 comes through as it is.

    signature
        The Ed25519 signature of the text, as base64.

    wait : True
        Wait for the end. With False the answer is the deployment's number at once.

    Returns what ``deploy`` returns.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.deploy_signed request="$(base64 -w0 request.json)" \\
            signature="$(base64 -w0 request.sig)"
    """
    return _answer(
        deploy_signed,
        unknown,
        __user__,
        lambda desk: desk.signing.deploy(request, signature, wait),
    )


def stats(
    module=None,
    team=None,
    environment=None,
    type=None,  # noqa: A002 - the word of the templates
    host=None,
    person=None,
    period="30d",
    timezone="UTC",
    group_by=None,
    **unknown,
):
    """
    Tell what the record teaches: how many deployments there were, how they ended, how long they and
    their stages took, when they are best begun, what fails, and the four measures of DORA.

    - *deployment frequency*: deployments of kind deploy that succeeded, retries included, a day.
    - *lead time*: from when an artifact was built (or announced, where CI does not say) until the
      first deployment of it to an environment had succeeded.
    - *change failure rate*: of the deployments of kind deploy that are no retries and were not
      aborted, those that failed, or that a person rolled back from.
    - *time to restore*: from the end of the first failure in a module and environment until the
      end of the next success there, of whichever kind.

    A deployment counts when it has begun and ended, in the hour in which it began. Automatic
    rollbacks have their own number. ``docs/statistics.md`` tells what each number means.

    module
        A module's name. All modules if not given.

    team
        The modules whose templates say ``team``, instead of one module.

    environment
        An environment.

    type
        A project type.

    host
        A host. The numbers are then of what became of that host.

    person
        Who asked for the deployments.

    period : 30d
        ``30d`` (the last 30 days, today among them), ``2026``, ``2026-11``, ``2026-11-24``,
        ``all``, or ``{from: 2026-11-01, to: 2026-11-24}``.

    timezone : UTC
        The time zone in which days and hours are meant, such as Asia/Shanghai.

    group_by
        module, team, environment, type, person, host, day, week or month: adds ``groups``.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.stats module=shop-web period=2026-11
        salt-run pushguide.stats period=90d group_by=module timezone=Asia/Shanghai
    """
    about = {
        "module": module,
        "team": team,
        "environment": environment,
        "type": type,
        "host": host,
        "person": person,
        "period": period,
        "timezone": timezone,
    }
    return _answer(
        stats,
        unknown,
        __user__,
        lambda desk: desk.statistics.stats(about, group_by),
        module=module,
        environment=environment,
    )


def report(
    module=None,
    team=None,
    period="30d",
    environment=None,
    timezone="UTC",
    format="text",  # noqa: A002 - what people call it
    language="en",
    file=None,
    **unknown,
):
    """
    Make a report of the statistics of a module or a team, to be read or mailed.

    module
        A module's name.

    team
        The modules whose templates say ``team``, instead of one module.

    period : 30d
        As for ``stats``.

    environment
        An environment. All if not given.

    timezone : UTC
        The time zone in which days and hours are meant.

    format : text
        text, json, or html: a page of its own with charts, without script.

    language : en
        en or zh.

    file
        The name of a file in the directory ``pushguide:reports`` of the master's configuration, to
        write it to. Without it the answer has the report.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.report module=shop-web period=2026-11
        salt-run pushguide.report team=payments format=html language=zh file=payments.html
    """
    about = {
        "module": module,
        "team": team,
        "environment": environment,
        "period": period,
        "timezone": timezone,
    }
    return _answer(
        report,
        unknown,
        __user__,
        lambda desk: desk.reports.report(about, format, language, file),
        module=module,
        environment=environment,
        file=file,
    )


def rebuild_statistics(**unknown):
    """
    Compute the statistics anew, from the record. They are kept in step with it by themselves; this
    is for when somebody has changed the record by hand. Results of hosts wait until it is done.

    Returns how many deployments, results of stages, and failures were counted.

    CLI Example:

    .. code-block:: bash

        salt-run pushguide.rebuild_statistics
    """
    return _answer(rebuild_statistics, unknown, __user__, lambda desk: desk.statistics.rebuild())
