"""
Results into pushguide's database.

``record`` writes what a host returned for its stages of a deployment: the deployment's own side
calls it, the moment the result arrives. The rest is Salt's full returner interface, so that this
returner can also be named as ``master_job_cache`` or ``event_return``. As ``event_return`` it
keeps pushguide's own events and lets the others pass.

:maturity: new
:depends: SQLAlchemy, and pushguide installed for the Python that the master runs on
"""

import logging

import salt.utils.jid

try:
    from pushguide.master.store import job_cache
    from pushguide.master.store.recording import write_results

    HAS_PUSHGUIDE = True
except ImportError:
    HAS_PUSHGUIDE = False

log = logging.getLogger(__name__)

__virtualname__ = "pushguide"


def __virtual__():
    if HAS_PUSHGUIDE:
        return __virtualname__
    return False, "pushguide or SQLAlchemy is not installed for this Python"


def record(ret):
    """
    Write results of hosts in a deployment into the database, in one transaction.

    ret
        A list, or one of them: ``id`` (the host), ``return`` (what its job returned, checked) and
        ``outcome`` (what that means for the host in the deployment).
    """
    write_results(__opts__, ret if isinstance(ret, list) else [ret])


def returner(ret):
    """
    Keep the return of any job.

    ret
        What a minion returned: ``id``, ``jid``, ``fun`` and ``return``.
    """
    job_cache.keep_return(__opts__, ret)


def event_return(events):
    """
    Keep pushguide's own events.

    events
        A list of mappings with ``tag`` and ``data``.
    """
    job_cache.keep_events(__opts__, events)


def prep_jid(nocache=False, passed_jid=None):
    """
    Answer with a job id; never fails, because a failure here would break publishing.

    nocache : False
        Not used: nothing is reserved in the database.

    passed_jid
        A job id to use instead of a new one.
    """
    return passed_jid if passed_jid is not None else salt.utils.jid.gen_jid(__opts__)


def save_load(jid, load, minions=None):
    """
    Keep what a job was published with. The first call for a job counts.

    jid
        The job id.

    load
        What was published.

    minions
        The minions that were meant.
    """
    job_cache.keep_load(__opts__, jid, load, minions)


def save_minions(jid, minions, syndic_id=None):
    """
    Add minions to those that a job is meant for.

    jid
        The job id.

    minions
        Their ids.

    syndic_id
        The syndic that told of them.
    """
    job_cache.add_minions(__opts__, jid, minions)


def get_load(jid):
    """
    Answer with what a job was published with.

    jid
        The job id.
    """
    return job_cache.load_of(__opts__, jid)


def get_jid(jid):
    """
    Answer with what each minion returned for a job.

    jid
        The job id.
    """
    return job_cache.returns_of(__opts__, jid)


def get_fun(fun):
    """
    Answer with the last return of a function on each minion.

    fun
        The execution function, such as ``test.ping``.
    """
    return job_cache.last_of_function(__opts__, fun)


def get_jids():
    """
    Answer with all job ids and what they were published with.
    """
    return job_cache.jobs(__opts__)


def get_minions():
    """
    Answer with the minions that have ever returned something.
    """
    return job_cache.minions(__opts__)


def clean_old_jobs():
    """
    Remove jobs and events that are older than ``keep_jobs_seconds`` (or ``keep_jobs`` hours).
    The record of deployments stays.
    """
    job_cache.clean(__opts__)
