#!py
"""A reactor: what CI posts to /hook/pushguide/deploy becomes pushguide.deploy_signed.

In the master's configuration:

    reactor:
      - salt/netapi/hook/pushguide/deploy:
        - salt://orch/deploy_signed.sls

It is Python and no template: nothing that is posted is ever rendered. The signature is over the
text of the request, so that is handed over as it came.
"""

SAID = ("request", "signature")
LONGEST = 16384


def run():
    """Hand over the request and its signature; what is no text, or too long, is left out."""
    posted = data.get("post")
    if not isinstance(posted, dict):
        posted = {}
    said = {key: None for key in SAID}
    for key in SAID:
        if isinstance(posted.get(key), str) and len(posted[key]) <= LONGEST:
            said[key] = posted[key]
    return {"deploy": {"runner.pushguide.deploy_signed": [{"args": {**said, "wait": False}}]}}
