"""What each function of the runner needs, and of what: stated once, for every way in."""

from __future__ import annotations

from typing import NamedTuple

from pushguide.master.roles import ADMIN, DEPLOYER, MAINTAINER, VIEWER

#: What a role is needed on: the module that is named, all environments of it or, where it is new,
#: the team that the template names, that of the deployment or waiver that is
#: named, the module if one is named (and else what is answered holds only what may be seen),
#: the module, team or everything that is named, what the named grant or freeze is about, all that
#: the named deployment token is for, nothing but the signature of what is asked for, or everything.
MODULE = "module"
TEMPLATE = "template"
DEPLOYMENT = "deployment"
WAIVER = "waiver"
SOME = "some"
SCOPE = "scope"
GRANT = "grant"
FREEZE = "freeze"
TOKEN = "token"  # noqa: S105 - no password
SIGNATURE = "signature"
EVERYTHING = "everything"


class Need(NamedTuple):
    """What a function needs.

    Attributes:
        role: the role; SIGNATURE where none is needed, since the function looks at that itself.
        of: what it is needed on.
        acts: whether the function changes anything: such calls are written down.
    """

    role: str
    of: str
    acts: bool = True


NEEDS = {
    "deploy": Need(DEPLOYER, MODULE),
    "rollback": Need(DEPLOYER, MODULE),
    "redeploy": Need(DEPLOYER, MODULE),
    "resume": Need(DEPLOYER, DEPLOYMENT),
    "abort": Need(DEPLOYER, DEPLOYMENT),
    "pause": Need(DEPLOYER, DEPLOYMENT),
    "confirm": Need(DEPLOYER, DEPLOYMENT),
    "retry": Need(DEPLOYER, DEPLOYMENT),
    "approve": Need(DEPLOYER, DEPLOYMENT),
    "reject": Need(DEPLOYER, DEPLOYMENT),
    "mark": Need(DEPLOYER, MODULE),
    "plan": Need(VIEWER, MODULE, acts=False),
    "check": Need(VIEWER, MODULE, acts=False),
    "waive": Need(MAINTAINER, MODULE),
    "waivers": Need(VIEWER, SOME, acts=False),
    "unwaive": Need(MAINTAINER, WAIVER),
    "status": Need(VIEWER, SOME, acts=False),
    "history": Need(VIEWER, SOME, acts=False),
    "overview": Need(VIEWER, SOME, acts=False),
    "hosts": Need(VIEWER, SOME, acts=False),
    "locks": Need(VIEWER, SOME, acts=False),
    "compare": Need(VIEWER, DEPLOYMENT, acts=False),
    "show": Need(VIEWER, DEPLOYMENT, acts=False),
    "versions": Need(VIEWER, MODULE, acts=False),
    "inventory": Need(VIEWER, MODULE, acts=False),
    "reconcile": Need(VIEWER, MODULE, acts=False),
    "index": Need(MAINTAINER, MODULE),
    "announce": Need(DEPLOYER, MODULE),
    "modules": Need(VIEWER, SOME, acts=False),
    "template_save": Need(MAINTAINER, TEMPLATE),
    "template_restore": Need(MAINTAINER, TEMPLATE),
    "template_delete": Need(MAINTAINER, TEMPLATE),
    "template_validate": Need(MAINTAINER, TEMPLATE, acts=False),
    "template_show": Need(VIEWER, MODULE, acts=False),
    "template_diff": Need(VIEWER, MODULE, acts=False),
    "template_history": Need(VIEWER, MODULE, acts=False),
    "template_list": Need(VIEWER, SOME, acts=False),
    "types": Need(VIEWER, SOME, acts=False),
    "health": Need(VIEWER, SOME, acts=False),
    "setup": Need(ADMIN, EVERYTHING),
    "stats": Need(VIEWER, SOME, acts=False),
    "report": Need(VIEWER, SOME, acts=False),
    "rebuild_statistics": Need(ADMIN, EVERYTHING),
    "grant": Need(ADMIN, SCOPE),
    "revoke": Need(ADMIN, GRANT),
    "people": Need(VIEWER, SOME, acts=False),
    "freeze": Need(MAINTAINER, SCOPE),
    "unfreeze": Need(MAINTAINER, FREEZE),
    "freezes": Need(VIEWER, SOME, acts=False),
    "quarantine": Need(MAINTAINER, SCOPE),
    "unquarantine": Need(MAINTAINER, SCOPE),
    "quarantines": Need(VIEWER, SOME, acts=False),
    "notifications": Need(ADMIN, EVERYTHING, acts=False),
    "notify_test": Need(ADMIN, EVERYTHING),
    "audit": Need(MAINTAINER, SOME, acts=False),
    "token_create": Need(MAINTAINER, SOME),
    "tokens": Need(MAINTAINER, SOME, acts=False),
    "token_revoke": Need(MAINTAINER, TOKEN),
    # Whoever has no signature leaves one row in the audit, and none if it is right: then it is
    # the token that deploys.
    "deploy_signed": Need(SIGNATURE, SIGNATURE, acts=False),
}
